// A whole login of an OAuth app with @octokit/auth-oauth-device. It takes its endpoints to be beside the API of a
// GitHub Enterprise Server, whose base URL is what it can be told.
import { createOAuthDeviceAuth } from "@octokit/auth-oauth-device";
import { request } from "@octokit/request";

const env = (name) => process.env[`DEVICE_GRANT_${name}`];
const say = (...words) => console.log("device-grant:", ...words);

const auth = createOAuthDeviceAuth({
  clientType: "oauth-app",
  clientId: env("CLIENT_ID"),
  scopes: env("SCOPE")?.split(" "),
  onVerification: (device) => say("shows", device.user_code, device.verification_uri),
  request: request.defaults({ baseUrl: `${env("ENDPOINT")}/api/v3` }),
});

try {
  const { token } = await auth({ type: "oauth" });
  say("token", token);
  say("done");
} catch (error) {
  say("error", error.response?.data?.error ?? error.name);
  console.error(error.message);
  process.exit(1);
}
