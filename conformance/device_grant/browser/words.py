"""What the words on buttons, beside fields and in addresses mean, in the languages of many pages.

A word is firm where it says the decision itself (allow, deny), mild where it may also only lead on or back (continue,
cancel). An underscore stands for white space, `_?` for white space or none; the rest is that of regular expressions.
"""

from __future__ import annotations

import re


def _spaces(word: str) -> str:
    return word.replace("_?", r"\s*").replace("_", r"\s+")


def _pattern(*spaced: str, joined: str = "") -> re.Pattern[str]:
    """`spaced` are words of scripts that part words, `joined` are those of scripts that do not."""
    words = "|".join(_spaces(word) for line in spaced for word in line.split())
    others = "".join(f"|{_spaces(word)}" for word in joined.split())
    return re.compile(rf"(?<!\w)(?:{words})(?!\w){others}")


_ALLOW = (
    "allow(?:s|ed)? approved? authori[sz]ed? accept(?:ed)? grant(?:ed)? permit agree consent",
    "zulassen erlauben genehmigen zustimmen akzeptieren freigeben autorisieren",
    "autoriser accepter approuver accorder",
    "permitir autorizar aceptar aprobar conceder aceitar aprovar",
    "consenti(?:re)? autorizza(?:re)? accetta(?:re)? approva(?:re)?",
    "toestaan goedkeuren accepteren machtigen",
    "tillåt godkänn acceptera tillad godkend accepter tillat godkjenn salli hyväksy",
    "zezwól zezwalaj zatwierdź (?:za)?akceptuj autoryzuj povolit schválit přijmout",
    "izin_ver onayla kabul_et",
    "разрешить принять одобрить дозволити прийняти",
)
_ALLOW_JOINED = "許可 承認 同意 允许 允許 授权 授權 批准 허용 승인 동의 السماح موافق אשר אפשר"
ALLOW = _pattern(*_ALLOW, joined=_ALLOW_JOINED)
GO_ON = _pattern(
    "yes ok(?:ay)? confirm continue submit next proceed connect verify activate true",
    "ja bestätigen weiter fortfahren absenden oui confirmer continuer valider envoyer suivant",
    "sí si sim sì continuar confirmar enviar continua conferma avanti doorgaan bevestigen volgende",
    "bekräfta fortsätt bekræft fortsæt bekreft fortsett jatka vahvista kyllä",
    "tak dalej potwierdź ano pokračovat potvrdit evet devam да продолжить подтвердить так продовжити",
    joined="はい 続行 続ける 確認 継続 次へ 继续 繼續 确认 確認 확인 계속 نعم متابعة כן המשך",
)
_NOT = r"(?:do(?:es)?\s+)?not|don['’]?t|never|nicht|ne\s+pas|no|não|non|niet|inte|ikke|nie|älä|не"
_ALLOW_WORDS = "|".join(_spaces(word) for line in _ALLOW for word in line.split())
DENY = re.compile(
    _pattern(
        "den(?:y|ied) reject(?:ed)? refused? declined? disallow abort forbid block",
        "ablehnen verweigern verbieten refuser rejeter denegar rechazar negar recusar rejeitar",
        "rifiuta(?:re)? nega(?:re)? weigeren afwijzen neka avvisa afvis avslå hylkää kiellä",
        "odmów odrzuć odmítnout zamítnout reddet отклонить запретить отказать відхилити",
        joined="拒否 拒绝 拒絕 거부 رفض דחה 許可しない 承認しない 同意しない 不同意 不允许 不允許 不授权 하지_?않",
    ).pattern
    + rf"|(?<!\w)(?:{_NOT})\s+(?:{_ALLOW_WORDS})(?!\w)"
)
GO_BACK = _pattern(
    "cancel no false back abbrechen nein zurück annuler non retour cancelar annulla indietro não",
    "annuleren nee avbryt nej annuller nei peruuta ei anuluj nie zrušit ne iptal hayır отмена нет скасувати ні",
    joined="キャンセル いいえ 取消 戻る 취소 아니 إلغاء ביטול",
)
SIGN_IN = _pattern(
    "(?:sign|log)_?(?:in|on) anmelden einloggen connexion se_connecter iniciar_sesión entrar accedi inloggen",
    "logga_in log_ind logg_inn kirjaudu zaloguj přihlásit giriş войти увійти",
    joined="ログイン サインイン 登录 登錄 登入 로그인 تسجيل_الدخول התחבר",
)
CODE = _pattern(
    "code pin otp user_?code device_?code código codice kod kód код kode koodi",
    joined="コード 代码 代碼 验证码 驗證碼 코드 رمز קוד",
)
NAME = _pattern(
    "user_?name user login e_?mail account identifier uid mail benutzer(?:name)? nutzername kennung konto",
    "identifiant utilisateur usuario usuário correo utente gebruiker(?:snaam)? användar(?:e|namn) brukernavn",
    "brugernavn käyttäjä(?:tunnus)? użytkownik uživatel kullanıcı(?:_adı)? логин пользователь користувач",
    joined="ユーザー メール 用户 用戶 帳號 账号 사용자 아이디 المستخدم משתמש",
)
SECRET = _pattern(
    "pass_?(?:word|wd|wort|phrase) passwd pwd kennwort mot_de_passe contraseña senha wachtwoord lösenord",
    "adgangskode passord salasana hasło heslo şifre parola пароль",
    joined="パスワード 密码 密碼 비밀번호 كلمة_المرور סיסמה",
)
BUSY = re.compile(
    r"too many (?:\w+ )?(?:requests|attempts|tries)|rate limit|(?:try|come back) (?:it )?(?:again )?later|slow down|"
    r"zu viele|später (?:noch einmal|erneut)|trop de|demasiad[oa]s|troppi|te veel|слишком много|頻繁|回数"
)
AWAY = _pattern(
    "log_?out sign_?out log_?off sign_?up register registration forgot(?:ten)? reset search locale language social",
    "federated abmelden registrieren vergessen déconnexion oublié cerrar_sesión uitloggen wyloguj выйти",
    joined="ログアウト 退出 登出 로그아웃",
)
"""What leads away from the decision: such forms, buttons and links are not for the person."""
KEEP = _pattern(
    "remember trust stay keep newsletter persist merken bleiben souvenir recordar ricorda onthouden",
    joined="保存 记住 記住",
)
"""Beside a box that says something of later, which the person leaves as it is."""
SURE = _pattern("sure really certain sicher wirklich sûre? seguro sicuro zeker", joined="本当に 确定 確定")
_DONE_WORDS = (
    "success(?:ful(?:ly)?)? authori[sz]ed approved connected granted complete(?:d)? verified allowed activated all_set",
    "close_this return_to_your_device thank_you erfolgreich verbunden genehmigt autorisiert zugelassen abgeschlossen",
    "freigegeben succès réussie? autorisée? connectée? approuvée? éxito correctamente autorizad[oa] conectad[oa]",
    "aprobad[oa] sucesso aprovad[oa] successo riuscit[oa] autorizzat[oa] conness[oa] gelukt geslaagd goedgekeurd",
    "lyckades pomyślnie sukces úspěšně başarıyla успешно успішно",
)
DONE = _pattern(*_DONE_WORDS, joined="成功 完了 接続されました 許可しました 已授权 완료 성공")
UNDONE = re.compile(
    rf"(?<!\w)(?:{_NOT})\s+(?:been\s+|be\s+|wurde\s+|été\s+)?"
    + _pattern(*_DONE_WORDS).pattern.removeprefix(r"(?<!\w)")
    + r"|unsuccessful"
)
WRONG = _pattern(
    "invalid incorrect expired error not_found failed wrong unknown denied rejected refused cancell?ed interrupted",
    "declined locked disabled ungültig(?:er?|es)? falsch(?:er?|es)? abgelaufen fehler fehlgeschlagen abgelehnt",
    "gesperrt invalide incorrecte? expirée? erreur échec échoué refusée? inválid[oa] incorrect[oa] caducad[oa]",
    "expirad[oa] fallido denegad[oa] erro errat[oa] scadut[oa] errore ongeldig verlopen fout mislukt ogiltig felaktig",
    "nieprawidłow[aey] błąd neplatný chyba geçersiz hata ошибка недействителен помилка",
    joined="無効 エラー 失敗 期限切れ 无效 错误 失败 过期 오류 실패 만료",
)


_LONGEST = 2_000
"""Characters of a name or of what stands on a button that are read: whoever goes on means no person."""


def plain(text: str | None) -> str:
    """A name or an address as lower-case words: userCode, user_code and "User code" are one."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", (text or "")[:_LONGEST])
    return " ".join(re.sub(r"[_\-/.?&=#:;,!\[\]()\"'*]+", " ", parted).lower().split())


def read(text: str | None) -> str:
    """Text as a person reads it: lower case, white space single."""
    return " ".join((text or "")[:_LONGEST].lower().split())
