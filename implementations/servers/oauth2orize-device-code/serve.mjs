// Starts oauth2orize with oauth2orize-device-code on 127.0.0.1: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
// The two are middleware: they read requests and write responses. Clients, codes, time and the page are left to the
// application, so here they are as plain as they can be: the page is in pages.mjs. There are no secrets of clients, which
// are passport's business.
import { randomBytes, randomInt } from "node:crypto";
import express from "express";
import oauth2orize from "oauth2orize";
import device from "oauth2orize-device-code";
import { cookie, pages } from "./pages.mjs";

const port = Number(process.argv[2]);
const lifetime = Number(process.env.DEVICE_CODE_LIFETIME);
const interval = Number(process.env.POLLING_INTERVAL);
const grantType = "urn:ietf:params:oauth:grant-type:device_code";
const clients = new Map([
  ["pub", { id: "pub", grants: [grantType] }],
  ["other", { id: "other", grants: [grantType] }],
  ["nogrant", { id: "nogrant", grants: [] }],
]);
const scopes = ["read", "write"];
const grants = new Map();
const sessions = new Set();

const refused = (code) => new device.TokenError(code.replaceAll("_", " "), code);

function identify(request, _response, next) {
  const id = request.body?.client_id;
  if (typeof id !== "string" || !id) return next(refused("invalid_request"));
  request.user = clients.get(id);
  if (!request.user) return next(refused("invalid_client"));
  return next();
}

function issueCodes(client, asked, done) {
  if (!client.grants.includes(grantType)) return done(refused("unauthorized_client"));
  const scope = asked || scopes;
  if (!scope.every((one) => scopes.includes(one))) return done(refused("invalid_scope"));
  const deviceCode = randomBytes(32).toString("base64url");
  const userCode = Array.from({ length: 8 }, () => "BCDFGHJKLMNPQRSTVWXZ"[randomInt(20)]).join("");
  grants.set(deviceCode, { client, scope, userCode, expires: Date.now() + lifetime * 1000, polled: 0, decision: "" });
  return done(null, deviceCode, userCode, { expires_in: lifetime, interval });
}

function issueToken(client, deviceCode, done) {
  if (!client.grants.includes(grantType)) return done(refused("unauthorized_client"));
  const grant = grants.get(deviceCode);
  // Without an error and without a token the library says invalid_grant.
  if (!grant || grant.client !== client) return done(null, false);
  const now = Date.now();
  if (now > grant.expires) return done(refused("expired_token"));
  if (grant.decision === "deny") return done(refused("access_denied"));
  if (grant.decision !== "approve") {
    const hasty = now - grant.polled < interval * 1000;
    grant.polled = now;
    return done(refused(hasty ? "slow_down" : "authorization_pending"));
  }
  grants.delete(deviceCode);
  const granted = { expires_in: 3600, scope: grant.scope.join(" ") };
  return done(null, randomBytes(32).toString("base64url"), granted);
}

const server = oauth2orize.createServer();
server.exchange(grantType, device.exchange.deviceCode(issueToken));
const start = device.middleware.authorization({ verificationURI: `http://127.0.0.1:${port}/device` }, issueCodes);

const app = express();
app.use(["/device_authorization", "/token"], express.urlencoded({ extended: false }));
app.post("/device_authorization", identify, start);
app.post("/token", identify, server.token());
app.use(["/device_authorization", "/token"], server.errorHandler());
function find(typed) {
  const userCode = typed.replace(/[^A-Za-z]/g, "").toUpperCase();
  const grant = [...grants.values()].find((one) => one.userCode === userCode);
  const open = grant && !grant.decision && Date.now() <= grant.expires;
  return open ? { userCode, client: grant.client.id, scope: grant.scope.join(" "), grant } : null;
}

const page = pages({
  signIn(name, password) {
    if (name !== "alice" || password !== "wonderland") return null;
    const session = randomBytes(24).toString("base64url");
    sessions.add(session);
    return [`session=${session}; Path=/; HttpOnly; SameSite=Lax`];
  },
  isSignedIn: (request) => sessions.has(cookie(request, "session")),
  find,
  decide({ grant }, allow) {
    grant.decision ||= allow ? "approve" : "deny";
    return true;
  },
});
app.use(async (request, response, next) => (await page(request, response)) || next());
app.listen(port, "127.0.0.1");
