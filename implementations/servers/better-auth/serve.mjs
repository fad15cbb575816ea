// Starts better-auth with its deviceAuthorization() plugin on 127.0.0.1, as its documentation shows: node serve.mjs PORT
// Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
// The plugin keeps no clients: validateClient is where an application says which it knows, and it knows ids only, no
// secrets. Nor does it have a page: the one at verificationUri is the application's, here device.mjs.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { deviceAuthorization } from "better-auth/plugins";
import { withPages } from "./device.mjs";

const port = Number(process.argv[2]);
const clients = new Set(["pub", "other"]);

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${port}`,
  secret: randomBytes(32).toString("hex"),
  database: memoryAdapter({ user: [], session: [], account: [], verification: [], deviceCode: [] }),
  emailAndPassword: { enabled: true },
  telemetry: { enabled: false },
  plugins: [
    deviceAuthorization({
      verificationUri: "/device",
      expiresIn: `${process.env.DEVICE_CODE_LIFETIME}s`,
      interval: `${process.env.POLLING_INTERVAL}s`,
      validateClient: (id) => clients.has(id),
    }),
  ],
});
await auth.api.signUpEmail({ body: { name: "Alice", email: "alice@example.org", password: "wonderland" } });
createServer(withPages(auth)).listen(port, "127.0.0.1");
