import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Set;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.oauth2.server.authorization.OAuth2AuthorizationServerConfigurer;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientRegistrationAuthenticationProvider;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2ClientRegistrationAuthenticationValidator;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;

/** The endpoints of the protocol as version 7.0 sets them up, registration by RFC 7591 among them. */
@Configuration
class Protocol {
	@Bean
	@Order(1)
	SecurityFilterChain endpoints(HttpSecurity http, RegisteredClientRepository clients) throws Exception {
		OAuth2AuthorizationServerConfigurer server = new OAuth2AuthorizationServerConfigurer();
		PublicClients publicClients = new PublicClients(clients);
		return http.securityMatcher(server.getEndpointsMatcher())
			.with(server, (it) -> it.oidc(withDefaults())
				.deviceAuthorizationEndpoint((endpoint) -> endpoint.verificationUri("/activate"))
				.deviceVerificationEndpoint(withDefaults())
				.clientRegistrationEndpoint((endpoint) -> endpoint.openRegistrationAllowed(true)
					.authenticationProviders((all) -> all.forEach(Protocol::allowScopes)))
				.clientAuthentication((authentication) -> authentication.authenticationConverter(publicClients)
					.authenticationProvider(publicClients)))
			.authorizeHttpRequests((it) -> it.requestMatchers("/oauth2/register").permitAll().anyRequest().authenticated())
			.exceptionHandling((it) -> it.defaultAuthenticationEntryPointFor(new LoginUrlAuthenticationEntryPoint("/login"), browsers()))
			.build();
	}

	/** By default a client that is registered with a scope is refused, and one without can ask for none. */
	private static void allowScopes(AuthenticationProvider provider) {
		if (provider instanceof OAuth2ClientRegistrationAuthenticationProvider registration) {
			registration.setAuthenticationValidator(OAuth2ClientRegistrationAuthenticationValidator.DEFAULT_REDIRECT_URI_VALIDATOR
				.andThen(OAuth2ClientRegistrationAuthenticationValidator.DEFAULT_JWK_SET_URI_VALIDATOR)
				.andThen(OAuth2ClientRegistrationAuthenticationValidator.SIMPLE_SCOPE_VALIDATOR));
		}
	}

	/** Whoever asks for HTML by name; the rest is answered as an API. */
	private static MediaTypeRequestMatcher browsers() {
		MediaTypeRequestMatcher html = new MediaTypeRequestMatcher(MediaType.TEXT_HTML);
		html.setIgnoredMediaTypes(Set.of(MediaType.ALL));
		return html;
	}
}
