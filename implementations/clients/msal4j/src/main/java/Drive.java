import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.MsalException;
import com.microsoft.aad.msal4j.PublicClientApplication;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A whole login with the device code flow of MSAL for Java at an authority of our own. */
public final class Drive {
    public static void main(String[] arguments) throws Exception {
        trust();
        try {
            var application = PublicClientApplication.builder(given("CLIENT_ID"))
                .authority(given("ENDPOINT") + "/tenant/")
                .validateAuthority(false)
                .instanceDiscovery(false)
                .build();
            // Microsoft's server demands a scope, and so does the library.
            String scope = given("SCOPE") == null ? "https://example.org/.default" : given("SCOPE");
            var parameters = DeviceCodeFlowParameters.builder(
                Set.of(scope.split(" ")), device -> say("shows " + device.userCode() + " " + device.verificationUri()));
            say("token " + application.acquireToken(parameters.build()).get().accessToken());
            say("done");
        } catch (ExecutionException error) {
            ended(error.getCause());
        } catch (RuntimeException error) {
            ended(error);
        }
    }

    private static void ended(Throwable error) {
        String code = error instanceof MsalException told ? told.errorCode() : null;
        say("error " + (code == null ? error.getClass().getSimpleName() : code));
        System.err.println(error);
        System.exit(1);
    }

    private static String given(String name) {
        return System.getenv("DEVICE_GRANT_" + name);
    }

    private static void say(String words) {
        System.out.println("device-grant: " + words);
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
