import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ssooidc.SsoOidcClient;
import software.amazon.awssdk.services.ssooidc.model.CreateTokenRequest;
import software.amazon.awssdk.services.ssooidc.model.SsoOidcException;

/** One operation of SsoOidcClient of the AWS SDK for Java 2 a run. */
public final class Drive {
    private static final String GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

    public static void main(String[] arguments) throws Exception {
        trust();
        // The operations are public: nobody who signs in has credentials to sign requests with.
        try (var client = SsoOidcClient.builder()
                .region(Region.US_EAST_1)
                .endpointOverride(URI.create(given("ENDPOINT")))
                .credentialsProvider(AnonymousCredentialsProvider.create())
                .build()) {
            run(client, given("OPERATION"));
            say("done");
        } catch (AwsServiceException error) {
            ended(nameOf(error), error);
        } catch (RuntimeException error) {
            ended(error.getClass().getSimpleName(), error);
        }
    }

    private static void run(SsoOidcClient client, String operation) {
        switch (operation) {
            case "register" -> {
                var answer = client.registerClient(request -> request
                    .clientName("device-grant").clientType("public").scopes("sso:account:access"));
                say("registered " + answer.clientId());
            }
            case "start" -> {
                var answer = client.startDeviceAuthorization(request -> request
                    .clientId(given("CLIENT_ID")).clientSecret(given("CLIENT_SECRET")).startUrl(given("START_URL")));
                say("shows " + answer.userCode() + " " + answer.verificationUri());
                say("started " + answer.deviceCode());
            }
            case "token" -> token(client, CreateTokenRequest.builder()
                .grantType(GRANT_TYPE).deviceCode(given("DEVICE_CODE")));
            case "refresh" -> token(client, CreateTokenRequest.builder()
                .grantType("refresh_token").refreshToken(given("REFRESH_TOKEN")));
            default -> {
                say("unsupported " + operation);
                System.exit(75);
            }
        }
    }

    private static void token(SsoOidcClient client, CreateTokenRequest.Builder request) {
        var answer = client.createToken(
            request.clientId(given("CLIENT_ID")).clientSecret(given("CLIENT_SECRET")).build());
        say("token " + answer.accessToken() + " " + (answer.refreshToken() == null ? "" : answer.refreshToken()));
    }

    /** An error of the service model has a class of its own; the general class has a code, if the service sent one. */
    private static String nameOf(AwsServiceException error) {
        if (error.getClass() != SsoOidcException.class) {
            return error.getClass().getSimpleName();
        }
        var details = error.awsErrorDetails();
        return details == null || details.errorCode() == null ? "SsoOidcException" : details.errorCode();
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

    /** Java reads no authority from the environment: the run's becomes the trust store, which is how Java is told. */
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
        Path kept = Files.createTempFile(Path.of(System.getenv("TMPDIR")), "trust", ".p12");
        try (var out = Files.newOutputStream(kept)) {
            store.store(out, "changeit".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", kept.toString());
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
    }
}
