import com.github.scribejava.core.builder.ServiceBuilder;
import com.github.scribejava.core.builder.api.DefaultApi20;
import com.github.scribejava.core.model.OAuth2AccessToken;
import com.github.scribejava.core.model.OAuth2AccessTokenErrorResponse;
import com.github.scribejava.core.oauth.OAuth20Service;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A whole login, or a refresh, with ScribeJava, which has to be told the endpoints of a provider by a class. */
public final class Drive extends DefaultApi20 {
    @Override
    public String getAccessTokenEndpoint() {
        return given("TOKEN_ENDPOINT");
    }

    @Override
    protected String getAuthorizationBaseUrl() {
        return given("ENDPOINT") + "/authorize";
    }

    @Override
    public String getDeviceAuthorizationEndpoint() {
        return given("DEVICE_AUTHORIZATION_ENDPOINT");
    }

    public static void main(String[] arguments) throws Exception {
        trust();
        var builder = new ServiceBuilder(given("CLIENT_ID"));
        if (given("CLIENT_SECRET") != null) {
            builder.apiSecret(given("CLIENT_SECRET"));
        }
        if (given("SCOPE") != null) {
            builder.defaultScope(given("SCOPE"));
        }
        try (OAuth20Service service = builder.build(new Drive())) {
            var token = "refresh".equals(given("OPERATION"))
                ? service.refreshAccessToken(given("REFRESH_TOKEN"))
                : login(service);
            say("token " + token.getAccessToken() + " " + (token.getRefreshToken() == null ? "" : token.getRefreshToken()));
            say("done");
        } catch (OAuth2AccessTokenErrorResponse error) {
            ended(error.getError() == null ? "unknown" : error.getError().getErrorString(), error);
        } catch (Exception error) {
            ended(error.getClass().getSimpleName(), error);
        }
    }

    private static OAuth2AccessToken login(OAuth20Service service) throws Exception {
        var device = service.getDeviceAuthorizationCodes();
        say("shows " + device.getUserCode() + " " + device.getVerificationUri());
        return service.pollAccessTokenDeviceAuthorizationGrant(device);
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
