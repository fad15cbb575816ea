// One operation of SSOOIDCClient from the AWS SDK for JavaScript v3.
import {
  CreateTokenCommand,
  RegisterClientCommand,
  SSOOIDCClient,
  StartDeviceAuthorizationCommand,
} from "@aws-sdk/client-sso-oidc";

const env = (name) => process.env[`DEVICE_GRANT_${name}`];
const say = (...words) => console.log("device-grant:", ...words);
const client = new SSOOIDCClient({ endpoint: env("ENDPOINT"), region: "us-east-1" });
const credentials = { clientId: env("CLIENT_ID"), clientSecret: env("CLIENT_SECRET") };

const operations = {
  async register() {
    const answer = await client.send(
      new RegisterClientCommand({ clientName: "device-grant", clientType: "public", scopes: ["sso:account:access"] }),
    );
    say("registered", answer.clientId);
  },
  async start() {
    const answer = await client.send(
      new StartDeviceAuthorizationCommand({ ...credentials, startUrl: env("START_URL") }),
    );
    say("shows", answer.userCode, answer.verificationUri);
    say("started", answer.deviceCode);
  },
  async token() {
    const grantType = "urn:ietf:params:oauth:grant-type:device_code";
    got(await client.send(new CreateTokenCommand({ ...credentials, grantType, deviceCode: env("DEVICE_CODE") })));
  },
  async refresh() {
    const refreshToken = env("REFRESH_TOKEN");
    got(await client.send(new CreateTokenCommand({ ...credentials, grantType: "refresh_token", refreshToken })));
  },
};

function got(answer) {
  say("token", answer.accessToken, answer.refreshToken ?? "");
}

try {
  await operations[env("OPERATION")]();
  say("done");
} catch (error) {
  say("error", error.name);
  console.error(error.message);
  process.exit(1);
}
