// The token that the AWS SDK for JavaScript hands out for a profile with an SSO session, renewed where it has expired.
import { fromSso } from "@aws-sdk/token-providers";

const say = (...words) => console.log("device-grant:", ...words);

try {
  const { token } = await fromSso({ profile: "device-grant" })();
  say("token", token);
} catch (error) {
  say("error", error.name);
  console.error(error.message);
  process.exit(1);
}
