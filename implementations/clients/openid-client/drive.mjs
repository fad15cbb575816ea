// A whole login, or a refresh, with openid-client.
import * as oidc from "openid-client";

const env = (name) => process.env[`DEVICE_GRANT_${name}`];
const say = (...words) => console.log("device-grant:", ...words);

// Plain HTTP has to be asked for.
const plain = env("ISSUER").startsWith("http:") ? [oidc.allowInsecureRequests] : [];

async function configuration() {
  if (env("DISCOVER")) {
    return oidc.discovery(new URL(env("ISSUER")), env("CLIENT_ID"), env("CLIENT_SECRET"), undefined, {
      algorithm: "oauth2",
      execute: plain,
    });
  }
  const server = {
    issuer: env("ISSUER"),
    device_authorization_endpoint: env("DEVICE_AUTHORIZATION_ENDPOINT"),
    token_endpoint: env("TOKEN_ENDPOINT"),
  };
  const config = new oidc.Configuration(server, env("CLIENT_ID"), env("CLIENT_SECRET"));
  plain.forEach((allow) => allow(config));
  return config;
}

// Another key for each run: this driver keeps nothing.
async function proving(config) {
  return env("DPOP") ? { DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair()) } : {};
}

async function login() {
  const config = await configuration();
  const scope = env("SCOPE");
  const device = await oidc.initiateDeviceAuthorization(config, scope ? { scope } : {});
  say("shows", device.user_code, device.verification_uri);
  return oidc.pollDeviceAuthorizationGrant(config, device, undefined, await proving(config));
}

async function refresh() {
  const config = await configuration();
  return oidc.refreshTokenGrant(config, env("REFRESH_TOKEN"), undefined, await proving(config));
}

try {
  const tokens = await (env("OPERATION") === "refresh" ? refresh() : login());
  say("token", tokens.access_token, tokens.refresh_token ?? "");
  say("done");
} catch (error) {
  say("error", error.error ?? error.code ?? error.name);
  console.error(error.message);
  process.exit(1);
}
