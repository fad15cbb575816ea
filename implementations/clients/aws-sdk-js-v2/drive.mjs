// One operation of AWS.SSOOIDC from the AWS SDK for JavaScript v2.
import SSOOIDC from "aws-sdk/clients/ssooidc.js";

const env = (name) => process.env[`DEVICE_GRANT_${name}`];
const say = (...words) => console.log("device-grant:", ...words);
const client = new SSOOIDC({ endpoint: env("ENDPOINT"), region: "us-east-1" });
const credentials = { clientId: env("CLIENT_ID"), clientSecret: env("CLIENT_SECRET") };

const operations = {
  async register() {
    const answer = await client
      .registerClient({ clientName: "device-grant", clientType: "public", scopes: ["sso:account:access"] })
      .promise();
    say("registered", answer.clientId);
  },
  async start() {
    const answer = await client.startDeviceAuthorization({ ...credentials, startUrl: env("START_URL") }).promise();
    say("shows", answer.userCode, answer.verificationUri);
    say("started", answer.deviceCode);
  },
  async token() {
    const grantType = "urn:ietf:params:oauth:grant-type:device_code";
    got(await client.createToken({ ...credentials, grantType, deviceCode: env("DEVICE_CODE") }).promise());
  },
  async refresh() {
    const refreshToken = env("REFRESH_TOKEN");
    got(await client.createToken({ ...credentials, grantType: "refresh_token", refreshToken }).promise());
  },
};

function got(answer) {
  say("token", answer.accessToken, answer.refreshToken ?? "");
}

try {
  await operations[env("OPERATION")]();
  say("done");
} catch (error) {
  say("error", error.code ?? error.name);
  console.error(error.message);
  process.exit(1);
}
