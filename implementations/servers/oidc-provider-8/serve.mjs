// Starts oidc-provider 8 on 127.0.0.1 with the clients that target.toml names: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME, in seconds. Accounts are those of its own development pages: any name will do.
import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const deviceCode = "urn:ietf:params:oauth:grant-type:device_code";
const device = { grant_types: [deviceCode, "refresh_token"], response_types: [], redirect_uris: [] };
const publicClient = { ...device, token_endpoint_auth_method: "none", application_type: "native" };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    { ...publicClient, client_id: "pub" },
    { ...publicClient, client_id: "other" },
    { ...device, client_id: "conf", client_secret: "conf-secret" },
    { ...device, client_id: "nogrant", client_secret: "nogrant-secret", grant_types: ["client_credentials"] },
  ],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    devInteractions: { enabled: true },
    registration: { enabled: true },
  },
  ttl: { DeviceCode: Number(process.env.DEVICE_CODE_LIFETIME) },
});
provider.on("server_error", (ctx, error) => console.error(ctx.method, ctx.path, error));
provider.listen(port, "127.0.0.1");
