// Starts oidc-provider on 127.0.0.1 with the clients that target.toml names: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME, in seconds; TLS, a folder with certificate.pem, key.pem and authority.pem, for
// mutual TLS at a port of its own; STORAGE_LATENCY, in milliseconds, for a storage that takes its time
// as a database does. Accounts are those of its own development pages: any name will do.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider, { errors } from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";

const port = Number(process.argv[2]);
const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";
const device = { grant_types: [deviceCode, "refresh_token"], response_types: [], redirect_uris: [] };
const publicClient = { ...device, token_endpoint_auth_method: "none", application_type: "native" };

const latency = Number(process.env.STORAGE_LATENCY ?? 0);

const memoryOf = createMemoryAdapter();

// Keeps copies, as a database does: what is changed in the program is not changed in the storage.
function distant(model) {
  const memory = memoryOf(model);
  const call = (name) => async (...values) => {
    await new Promise((resolve) => setTimeout(resolve, latency));
    return structuredClone(await memory[name](...structuredClone(values)));
  };
  const names = ["upsert", "find", "findByUserCode", "findByUid", "consume", "destroy", "revokeByGrantId"];
  return Object.fromEntries(names.map((name) => [name, call(name)]));
}

// What tokens can be asked for (RFC 8707): each resource server gets JWTs, the default of the library.
const resources = ["https://api.example.com/orders", "https://api.example.com/invoices"];
const scope = "read write";

async function getResourceServerInfo(ctx, resource) {
  if (!resources.includes(resource)) throw new errors.InvalidTarget();
  return { scope, accessTokenFormat: "jwt" };
}

// Asks everybody there for a certificate: the library says who needs one, and which.
const folder = process.env.TLS;
const [cert, key, ca] = ["certificate", "key", "authority"].map((name) => readFileSync(`${folder}/${name}.pem`));
let answer;
const secure = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (...both) => answer(...both));
await new Promise((resolve) => secure.listen(0, "127.0.0.1", resolve));
const alias = `https://127.0.0.1:${secure.address().port}`;
const shown = (ctx) => ctx.socket.getPeerX509Certificate?.();

const mTLS = {
  enabled: true,
  certificateBoundAccessTokens: true,
  selfSignedTlsClientAuth: true,
  tlsClientAuth: true,
  getCertificate: (ctx) => shown(ctx)?.toString(),
  certificateAuthorized: (ctx) => ctx.socket.authorized,
  certificateSubjectMatches(ctx, property, expected) {
    if (property !== "tls_client_auth_subject_dn") return false;
    return shown(ctx).subject.split("\n").reverse().join(",") === expected;
  },
};

const provider = new Provider(`http://127.0.0.1:${port}`, {
  ...(latency ? { adapter: distant } : {}),
  clients: [
    { ...publicClient, client_id: "pub" },
    { ...publicClient, client_id: "other" },
    { ...device, client_id: "conf", client_secret: "conf-secret" },
    { client_id: "api", client_secret: "api-secret", grant_types: ["client_credentials"], response_types: [], redirect_uris: [] },
    { ...device, client_id: "nogrant", client_secret: "nogrant-secret", grant_types: ["client_credentials"] },
  ],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    mTLS,
    registration: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo },
    revocation: { enabled: true },
  },
  clientAuthMethods: [
    "client_secret_basic",
    "client_secret_jwt",
    "client_secret_post",
    "private_key_jwt",
    "none",
    "self_signed_tls_client_auth",
    "tls_client_auth",
  ],
  discovery: {
    mtls_endpoint_aliases: {
      token_endpoint: `${alias}/token`,
      device_authorization_endpoint: `${alias}/device/auth`,
      introspection_endpoint: `${alias}/token/introspection`,
      revocation_endpoint: `${alias}/token/revocation`,
      userinfo_endpoint: `${alias}/me`,
    },
  },
  ttl: { DeviceCode: Number(process.env.DEVICE_CODE_LIFETIME) },
});
provider.on("server_error", (ctx, error) => console.error(ctx.method, ctx.path, error));
answer = provider.callback();
provider.listen(port, "127.0.0.1");
