// Pages at which a person signs in, types a user code, sees who asks, and allows or denies (RFC 8628 3.3): for libraries
// that leave them to whoever uses the library. They need no script.
import { randomBytes, timingSafeEqual } from "node:crypto";

const longest = 4096; // bytes of a form
const mostWrong = 10; // codes and passwords in a window
const window = 60_000; // milliseconds

const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text) => String(text).replace(/[&<>"']/g, (one) => entities[one]);

const forms = {
  signIn: ({ token, typed }) => `
<form method="post" action="/login">
<input type="hidden" name="csrf_token" value="${token}">
<input type="hidden" name="user_code" value="${escaped(typed)}">
<label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
</form>`,
  code: ({ token }) => `
<form method="post" action="/device">
<input type="hidden" name="csrf_token" value="${token}">
<label>The code that your device shows <input name="user_code" autocomplete="off"></label>
<button>Continue</button>
</form>`,
  confirm: ({ token, waiting }) => `
<p>Is this device in your possession, and did you start this yourself?</p>
<p>It must show the code ${escaped(waiting.userCode)}.</p>
<p>The application ${escaped(waiting.client)} asks for: ${escaped(waiting.scope || "nothing in particular")}.</p>
<form method="post" action="/device">
<input type="hidden" name="csrf_token" value="${token}">
<input type="hidden" name="user_code" value="${escaped(waiting.userCode)}">
<button name="action" value="deny">Deny</button>
<button name="action" value="allow">Allow</button>
</form>`,
  done: () => "<p>You can close this page and return to your device.</p>",
  none: () => "",
};

// signIn(name, password) says which cookies (values of Set-Cookie) make a session, or null; isSignedIn(request) whether
// there is one; find(typed, request) what waits under a code, { userCode, client, scope }, or null; decide(waiting,
// allow, request) whether a decision counted. Each may be a promise. Returns a handler that says whether it answered.
export function pages({ signIn, isSignedIn, find, decide }) {
  const wrong = [];

  async function show({ request, typed }) {
    if (!(await isSignedIn(request))) return { title: "Sign in", form: "signIn", typed };
    return typed ? confirmation(request, typed) : { title: "Connect a device", form: "code" };
  }

  async function confirmation(request, typed) {
    const waiting = await find(typed, request);
    if (waiting) return { title: "A device asks for access", form: "confirm", waiting };
    wrong.push(Date.now());
    return { status: 400, title: "Connect a device", form: "code", problem: "This code is not valid, or no longer." };
  }

  async function login({ form, typed }) {
    const cookies = await signIn(form.get("username") ?? "", form.get("password") ?? "");
    if (!cookies) {
      wrong.push(Date.now());
      return { status: 403, title: "Sign in", form: "signIn", typed, problem: "Name or password is not right." };
    }
    const query = typed ? `?${new URLSearchParams({ user_code: typed })}` : "";
    return { status: 303, title: "Signed in", cookies, location: `/device${query}` };
  }

  async function device({ request, form, typed }) {
    if (!(await isSignedIn(request))) return { title: "Sign in", form: "signIn", typed };
    const action = form.get("action");
    const waiting = ["allow", "deny"].includes(action) ? await find(typed, request) : null;
    if (!waiting) return confirmation(request, typed);
    const allowed = action === "allow";
    if (!(await decide(waiting, allowed, request))) return { status: 400, title: "This code was decided already" };
    return { title: allowed ? "Device connected" : "Request refused", form: "done" };
  }

  // Why a form is not looked at: it is not this browser's, or there were too many wrong ones.
  function refused(form, token) {
    const given = Buffer.from(form.get("csrf_token") ?? "");
    const expected = Buffer.from(token);
    if (!token || given.length !== expected.length || !timingSafeEqual(given, expected))
      return { status: 403, title: "This form is no longer valid: open the page again" };
    while (wrong.length && Date.now() - wrong[0] >= window) wrong.shift();
    if (wrong.length < mostWrong) return null;
    return { status: 429, title: "Too many wrong attempts: wait a minute", wait: window / 1000 };
  }

  const posts = { "/login": login, "/device": device };
  return async (request, response) => {
    const [path, query] = request.url.split("?", 2);
    const post = Object.hasOwn(posts, path) && posts[path];
    if (!post || !["GET", "HEAD", "POST"].includes(request.method)) return false;
    let token = cookie(request, "csrf");
    let answer;
    if (request.method === "POST") {
      const form = await read(request);
      const typed = form.get("user_code") ?? "";
      answer = refused(form, token) ?? (await post({ request, form, typed }));
      if (answer.status === 303) token = ""; // another one for whoever has signed in
    } else {
      answer = await show({ request, typed: new URLSearchParams(query).get("user_code") ?? "" });
    }
    send(request, response, answer, token);
    return true;
  };
}

export function cookie(request, name) {
  const pairs = (request.headers.cookie ?? "").split(/;\s*/).map((one) => one.split("="));
  return pairs.find(([key]) => key === name)?.[1] ?? "";
}

async function read(request) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
    if (body.length > longest) return new URLSearchParams();
  }
  return new URLSearchParams(body);
}

function send(request, response, { status = 200, title, form = "none", problem, cookies = [], location, wait, ...values }, known) {
  const token = known || randomBytes(24).toString("base64url");
  const set = known ? cookies : [...cookies, `csrf=${token}; Path=/; HttpOnly; SameSite=Lax`];
  response.writeHead(status, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    ...(set.length ? { "Set-Cookie": set } : {}),
    ...(location ? { Location: location } : {}),
    ...(wait ? { "Retry-After": String(wait) } : {}),
  });
  const alert = problem ? `<p role="alert">${escaped(problem)}</p>` : "";
  const page = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(title)}</title></head>
<body>
<h1>${escaped(title)}</h1>
${alert}${forms[form]({ token, ...values })}
</body>
</html>
`;
  response.end(request.method === "HEAD" ? undefined : page);
}
