"""Honest servers with odd pages, at which the suite itself is the person."""

from __future__ import annotations

import html
import secrets
from typing import ClassVar

from peer_pages import ACCOUNTS
from peer_trusted import Trusted

LOGIN: dict[str, dict] = {"user": {"login": "maria", "password": ACCOUNTS["maria"]}}


class Japanese(Trusted):
    """In Japanese, with fields whose names are new at each load, nine digits, and a link in place of one button."""

    target: ClassVar[dict] = Trusted.target | LOGIN
    deviations = {"rfc9700-4.12-use-303": "302 after the sign-in"}
    alphabet, code_length, group, separator = "0123456789", 9, 9, ""
    see_other = 302
    words = Trusted.words | {
        "lang": "ja",
        "sign in": "ログイン",
        "purpose": "デバイスを接続するには、ログインしてください。",
        "code": "デバイスを接続",
        "type": "デバイスに表示されているコードを入力してください",
        "next": "次へ",
        "confirm": "このデバイスですか？",  # noqa: RUF001 - Japanese
        "unasked": "ご自身で始めたのでなければ、拒否してください。",
        "compare": "お手元のデバイスに表示されているコードと一致することを確認してください：",  # noqa: RUF001 - Japanese
        "wants": "プログラム {client} があなたのアカウントへのアクセスを求めています：{scope}",  # noqa: RUF001 - Japanese
        "allow": "許可する",
        "deny": "拒否する",
        "allowed": "許可しました。デバイスに戻ってください。",
        "denied": "拒否しました。デバイスに戻ってください。",
        "wrong": "コードが正しくないか、期限が切れています。",
        "slower": "誤ったコードが多すぎます。1分お待ちください。",
        "bad login": "名前またはパスワードが違います。",
        "forged": "フォームが古すぎます。",
    }

    def __init__(self):
        super().__init__()
        self.fields = {}

    def page_routes(self):
        return super().page_routes() | {"/refuse": (("GET",), self.refusing)}

    def field(self, request):
        name = "f" + secrets.token_hex(6)
        self.fields[name] = request.cookies().get("sid", "")
        return name

    def code_form(self, request):
        return (
            super().code_form(request).replace('name="user_code"', f'name="{self.field(request)}" inputmode="numeric"')
        )

    def code_of(self, form):
        return next((value for name, value in form.items() if name in self.fields), "")

    def decision_form(self, request, grant):
        return (
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            f'<button name="decision" value="allow">{self.words["allow"]}</button></form>'
            f'<p><a href="/refuse?r={grant.handle}">{self.words["deny"]}</a></p>'
        )

    def refusing(self, request):
        for grant in self.grants.values():
            if self.person(request) and grant.handle == request.asked("r") and grant.state == "pending":
                body = (
                    f'<form method="post" action="/decide">{self.proof_field(request)}'
                    f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
                    f'<button name="decision" value="deny">{self.words["deny"]}</button></form>'
                )
                return self.page(200, self.words["deny"], f"<p>{self.words['unasked']}</p>" + body)
        return self.message(404, "wrong")


class AsksTwice(Trusted):
    """Asks whose device it is, what it may do, and whether one is sure; Enter refuses. Ends by a page that moves on."""

    target: ClassVar[dict] = Trusted.target | LOGIN

    def page_routes(self):
        return super().page_routes() | {
            f"/done/{name}": (("GET",), lambda _, name=name: self.message(200, name)) for name in ("allowed", "denied")
        }

    def decision_form(self, request, grant, step="1", yes="Yes, it is my device", no="No, cancel"):
        return (
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            f'<input type="hidden" name="step" value="{step}">'
            f'<button name="decision" value="deny">{no}</button>'
            f'<button name="decision" value="allow">{yes}</button></form>'
        )

    def decided(self, request, grant, form):
        step = form.get("step", "1")
        if form.get("decision") == "allow" and step == "1":
            return self.page(
                200,
                "What may it do?",
                f"<p>{html.escape(grant.client.name)} asks for {html.escape(grant.scope)}.</p>"
                + self.decision_form(request, grant, "2", "Allow access", "Refuse"),
            )
        if form.get("decision") == "allow" and step == "2":
            return self.page(
                200,
                "Are you sure?",
                "<p>It can be undone in your account.</p>"
                + self.decision_form(request, grant, "3", "Confirm", "Cancel"),
            )
        super().decided(request, grant, form)
        where = "/done/allowed" if form.get("decision") == "allow" else "/done/denied"
        answer = self.page(200, "One moment", f'<p>One moment. <a href="{where}">Go on</a></p>')
        answer.body = answer.body.replace(
            b"<head>", f'<head><meta http-equiv="refresh" content="0; url={where}">'.encode(), 1
        )
        return answer


class Remembers(Trusted):
    """Asks for scopes once; afterwards it asks whether it is the person's device alone, and words it as going on."""

    target: ClassVar[dict] = Trusted.target | LOGIN

    def decision_form(self, request, grant):
        text = super().decision_form(request, grant)
        if (self.person(request), grant.client.id) in getattr(self, "known", ()):
            return text.replace(">Allow<", ">Continue<").replace(">Deny<", ">Not my device<")
        return text

    def settle(self, grant, *, allowed, person):
        if allowed:
            self.known = {*getattr(self, "known", ()), (person, grant.client.id)}
        super().settle(grant, allowed=allowed, person=person)
