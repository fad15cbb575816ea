# A login with oidc-gen, which lets a running oidc-agent ask and poll.
export OIDC_SOCK="$HOME/agent.sock" OIDC_ENCRYPTION_PW=password
rm -f "$OIDC_SOCK"
oidc-agent --console --socket-path="$OIDC_SOCK" >/dev/null &
agent=$!
until test -S "$OIDC_SOCK"; do sleep 0.1; done

set -- --flow=device --issuer="$DEVICE_GRANT_ISSUER" --scope="${DEVICE_GRANT_SCOPE:-openid}" --pw-env --prompt=none --confirm-default
if test -n "$DEVICE_GRANT_CLIENT_ID"; then
  set -- "$@" --client-id="$DEVICE_GRANT_CLIENT_ID" --client-secret="$DEVICE_GRANT_CLIENT_SECRET"
fi
if test -n "$DEVICE_GRANT_DEVICE_AUTHORIZATION_ENDPOINT"; then
  set -- "$@" --device-authorization-endpoint="$DEVICE_GRANT_DEVICE_AUTHORIZATION_ENDPOINT"
fi
if test -n "$SSL_CERT_FILE"; then
  set -- "$@" --cert-path="$SSL_CERT_FILE"
fi
oidc-gen "$@" account || status=$?
token=$(oidc-token account) || status=$?

kill "$agent"
test -z "$status" && echo "device-grant: token $token"
exit ${status:-0}
