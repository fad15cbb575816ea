import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.ssooidc.SsoOidcClient;
import software.amazon.awssdk.services.ssooidc.SsoOidcTokenProvider;

/** The token provider of the AWS SDK for Java 2 for a session of the AWS CLI: it refreshes the cached token when that has expired. */
public final class Drive {
    public static void main(String[] arguments) throws Exception {
        trust();
        try (var client = SsoOidcClient.builder()
                .region(Region.US_EAST_1)
                .endpointOverride(URI.create(System.getenv("DEVICE_GRANT_ENDPOINT")))
                .credentialsProvider(AnonymousCredentialsProvider.create())
                .build();
             var provider = SsoOidcTokenProvider.builder().sessionName("device-grant").ssoOidcClient(client).build()) {
            say("token " + provider.resolveToken().token());
            say("done");
        } catch (RuntimeException error) {
            say("error " + error.getClass().getSimpleName());
            System.err.println(error);
            System.exit(1);
        }
    }

    private static void say(String words) {
        System.out.println("device-grant: " + words);
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
