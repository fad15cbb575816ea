import static org.springframework.security.config.Customizer.withDefaults;

import java.util.UUID;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetails;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.oauth2.core.AuthorizationGrantType;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.server.authorization.InMemoryOAuth2AuthorizationConsentService;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsent;
import org.springframework.security.oauth2.server.authorization.OAuth2AuthorizationConsentService;
import org.springframework.security.oauth2.server.authorization.client.InMemoryRegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.provisioning.InMemoryUserDetailsManager;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.csrf.CsrfToken;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.util.HtmlUtils;

/**
 * Spring Authorization Server with the device grant, the clients that target.toml names and two users: server.jar --server.port=N.
 *
 * What its versions set up differently is in Protocol. Environment: CONSENT=remembered keeps what a user once allowed, as
 * the library does by default, so that the same client is then let in without a question.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@Import(Protocol.class)
@RestController
public class Server {
	public static void main(String[] arguments) {
		SpringApplication.run(Server.class, arguments);
	}

	@Bean
	@Order(2)
	SecurityFilterChain pages(HttpSecurity http) throws Exception {
		return http.authorizeHttpRequests((it) -> it.requestMatchers("/error").permitAll().anyRequest().authenticated())
			.formLogin(withDefaults())
			.build();
	}

	@Bean
	RegisteredClientRepository clients() {
		AuthorizationGrantType device = AuthorizationGrantType.DEVICE_CODE;
		return new InMemoryRegisteredClientRepository(
				client("pub", ClientAuthenticationMethod.NONE, device, AuthorizationGrantType.REFRESH_TOKEN),
				client("other", ClientAuthenticationMethod.NONE, device, AuthorizationGrantType.REFRESH_TOKEN),
				client("conf", ClientAuthenticationMethod.CLIENT_SECRET_BASIC, device, AuthorizationGrantType.REFRESH_TOKEN),
				client("post", ClientAuthenticationMethod.CLIENT_SECRET_POST, device, AuthorizationGrantType.REFRESH_TOKEN),
				client("nogrant", ClientAuthenticationMethod.CLIENT_SECRET_BASIC, AuthorizationGrantType.CLIENT_CREDENTIALS),
				client("api", ClientAuthenticationMethod.CLIENT_SECRET_BASIC, AuthorizationGrantType.CLIENT_CREDENTIALS));
	}

	private static RegisteredClient client(String id, ClientAuthenticationMethod method, AuthorizationGrantType... grants) {
		RegisteredClient.Builder client = RegisteredClient.withId(UUID.randomUUID().toString())
			.clientId(id)
			.clientAuthenticationMethod(method)
			.scope("read")
			.scope("write")
			.tokenSettings(TokenSettings.builder().reuseRefreshTokens(false).build());
		if (method != ClientAuthenticationMethod.NONE) {
			client.clientSecret("{noop}" + id + "-secret");
		}
		for (AuthorizationGrantType grant : grants) {
			client.authorizationGrantType(grant);
		}
		return client.build();
	}

	@Bean
	UserDetailsService users() {
		return new InMemoryUserDetailsManager(user("alice", "wonderland"), user("bob", "builder"));
	}

	private static UserDetails user(String name, String password) {
		return User.withUsername(name).password("{noop}" + password).roles("USER").build();
	}

	@Bean
	OAuth2AuthorizationConsentService consents() {
		return "remembered".equals(System.getenv("CONSENT")) ? new InMemoryOAuth2AuthorizationConsentService() : new AskAgain();
	}

	/** Asks each time, so that a user who has allowed can refuse later. */
	private static final class AskAgain implements OAuth2AuthorizationConsentService {
		@Override
		public void save(OAuth2AuthorizationConsent consent) {
		}

		@Override
		public void remove(OAuth2AuthorizationConsent consent) {
		}

		@Override
		public OAuth2AuthorizationConsent findById(String client, String user) {
			return null;
		}
	}

	@GetMapping(path = "/activate", produces = MediaType.TEXT_HTML_VALUE)
	String activate(@RequestParam(name = "user_code", defaultValue = "") String code, CsrfToken csrf) {
		return """
				<!doctype html><html lang="en"><title>Activate</title>
				<form method="post" action="/oauth2/device_verification">
				<input type="hidden" name="%s" value="%s">
				<label>Code <input name="user_code" value="%s"></label> <button>Next</button>
				</form>
				""".formatted(csrf.getParameterName(), csrf.getToken(), HtmlUtils.htmlEscape(code));
	}

	@GetMapping(path = "/", produces = MediaType.TEXT_HTML_VALUE)
	String done() {
		return "<!doctype html><html lang=\"en\"><title>Done</title><p>Done: your device is connected. You can close this page.";
	}
}
