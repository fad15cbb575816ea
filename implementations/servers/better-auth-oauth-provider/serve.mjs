// Starts better-auth with its OAuth provider and oauthDeviceAuthorization() on 127.0.0.1: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
// The clients that target.toml names are made by the administrator's call; more can register, without a secret.
// The page at verificationUri is the application's, here device.mjs; loginPage and consentPage, of the grant with
// redirects, are none of ours.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { DEVICE_CODE_GRANT_TYPE, oauthDeviceAuthorization, oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { getAuthTables } from "better-auth/db";
import { jwt } from "better-auth/plugins";
import { withPages } from "./device.mjs";

const port = Number(process.argv[2]);
const device = { grant_types: [DEVICE_CODE_GRANT_TYPE, "refresh_token"] };
const publicClient = { ...device, token_endpoint_auth_method: "none", application_type: "native" };
const clients = {
  pub: publicClient,
  other: publicClient,
  conf: { ...device, token_endpoint_auth_method: "client_secret_basic" },
  nogrant: { grant_types: ["client_credentials"], token_endpoint_auth_method: "client_secret_basic" },
};
const resources = ["https://api.example.com/orders", "https://api.example.com/invoices"];
// Who is being made: ids and secrets that target.toml can name, where the library would draw them by lot.
let made;

const tables = {};
const options = {
  baseURL: `http://127.0.0.1:${port}`,
  secret: randomBytes(32).toString("hex"),
  database: memoryAdapter(tables),
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: "/sign-in",
      consentPage: "/consent",
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
      resources,
      // A client may ask for those alone that it is linked to.
      clientRegistrationDefaultResources: resources,
      generateClientId: () => made ?? randomBytes(16).toString("hex"),
      generateClientSecret: () => (made ? `${made}-secret` : randomBytes(32).toString("hex")),
    }),
    oauthDeviceAuthorization({
      verificationUri: "/device",
      expiresIn: `${process.env.DEVICE_CODE_LIFETIME}s`,
      interval: `${process.env.POLLING_INTERVAL}s`,
    }),
  ],
};
for (const { modelName } of Object.values(getAuthTables(options))) tables[modelName] = [];

const auth = betterAuth(options);
const alice = { name: "Alice", email: "alice@example.org", password: "wonderland" };
const { headers } = await auth.api.signUpEmail({ body: alice, returnHeaders: true });
// Somebody signed in must own a client.
const cookie = headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
for (made of Object.keys(clients)) {
  await auth.api.adminCreateOAuthClient({ headers: { cookie }, body: clients[made] });
}
made = undefined;
createServer(withPages(auth)).listen(port, "127.0.0.1");
