import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.ParseException;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationRequest;
import com.nimbusds.oauth2.sdk.device.DeviceAuthorizationResponse;
import com.nimbusds.oauth2.sdk.device.DeviceCode;
import com.nimbusds.oauth2.sdk.device.DeviceCodeGrant;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** One operation of the OAuth 2.0 SDK of Nimbus a run: it makes requests and reads answers, and has no loop. */
public final class Drive {
    public static void main(String[] arguments) throws Exception {
        trust();
        try {
            switch (given("OPERATION")) {
                case "start" -> start();
                case "token" -> token(new DeviceCodeGrant(new DeviceCode(given("DEVICE_CODE"))));
                case "refresh" -> token(new RefreshTokenGrant(new RefreshToken(given("REFRESH_TOKEN"))));
                default -> {
                    say("unsupported " + given("OPERATION"));
                    System.exit(75);
                }
            }
            say("done");
        } catch (ParseException | IOException | RuntimeException error) {
            ended(error.getClass().getSimpleName(), error);
        }
    }

    private static void start() throws IOException, ParseException {
        URI endpoint = URI.create(given("DEVICE_AUTHORIZATION_ENDPOINT"));
        Scope scope = Scope.parse(given("SCOPE"));
        var request = secret() == null
            ? new DeviceAuthorizationRequest(endpoint, id(), scope)
            : new DeviceAuthorizationRequest(endpoint, secret(), scope, null);
        var answer = DeviceAuthorizationResponse.parse(request.toHTTPRequest().send());
        if (!answer.indicatesSuccess()) {
            refused(answer.toErrorResponse().getErrorObject());
        }
        var device = answer.toSuccessResponse();
        say("shows " + device.getUserCode().getValue() + " " + device.getVerificationURI());
        say("started " + device.getDeviceCode().getValue());
    }

    private static void token(AuthorizationGrant grant) throws IOException, ParseException {
        URI endpoint = URI.create(given("TOKEN_ENDPOINT"));
        var request = secret() == null
            ? new TokenRequest(endpoint, id(), grant)
            : new TokenRequest(endpoint, secret(), grant);
        var answer = TokenResponse.parse(request.toHTTPRequest().send());
        if (!answer.indicatesSuccess()) {
            refused(answer.toErrorResponse().getErrorObject());
        }
        var tokens = answer.toSuccessResponse().getTokens();
        var refresh = tokens.getRefreshToken();
        say("token " + tokens.getAccessToken().getValue() + " " + (refresh == null ? "" : refresh.getValue()));
    }

    private static ClientID id() {
        return new ClientID(given("CLIENT_ID"));
    }

    private static ClientSecretBasic secret() {
        String secret = given("CLIENT_SECRET");
        return secret == null ? null : new ClientSecretBasic(id(), new Secret(secret));
    }

    private static void refused(ErrorObject error) {
        String code = error.getCode() == null ? "HTTP" + error.getHTTPStatusCode() : error.getCode();
        ended(code, new IOException(error.toJSONObject().toString()));
    }

    private static String given(String name) {
        return System.getenv("DEVICE_GRANT_" + name);
    }

    private static void say(String words) {
        System.out.println("device-grant: " + words);
    }

    private static void ended(String code, Throwable error) {
        say("error " + code);
        System.err.println(error);
        System.exit(1);
    }

    /** Java reads no authority from the environment: the run's becomes the one that HTTPS trusts. */
    private static void trust() throws Exception {
        String file = System.getenv("SSL_CERT_FILE");
        if (file == null) {
            return;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (var in = Files.newInputStream(Path.of(file))) {
            for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("authority-" + store.size(), certificate);
            }
        }
        var trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(store);
        var context = SSLContext.getInstance("TLS");
        context.init(null, trusted.getTrustManagers(), null);
        SSLContext.setDefault(context);
    }
}
