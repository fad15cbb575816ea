// Starts oidc-provider on 127.0.0.1 with the clients that target.toml names: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME, in seconds; STORAGE_LATENCY, in milliseconds, for a storage that takes its time
// as a database does. Accounts are those of its own development pages: any name will do.
import Provider from "oidc-provider";
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
    registration: { enabled: true },
    revocation: { enabled: true },
  },
  ttl: { DeviceCode: Number(process.env.DEVICE_CODE_LIFETIME) },
});
provider.on("server_error", (ctx, error) => console.error(ctx.method, ctx.path, error));
provider.listen(port, "127.0.0.1");
