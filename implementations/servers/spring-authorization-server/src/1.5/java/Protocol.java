import static org.springframework.security.config.Customizer.withDefaults;

import java.util.Set;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.http.MediaType;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.config.annotation.web.configurers.OAuth2AuthorizationServerConfigurer;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.security.web.util.matcher.MediaTypeRequestMatcher;

/** The endpoints of the protocol as version 1.5 sets them up; it registers nobody without an initial access token. */
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
				.clientAuthentication((authentication) -> authentication.authenticationConverter(publicClients)
					.authenticationProvider(publicClients)))
			.authorizeHttpRequests((it) -> it.anyRequest().authenticated())
			.exceptionHandling((it) -> it.defaultAuthenticationEntryPointFor(new LoginUrlAuthenticationEntryPoint("/login"), browsers()))
			.build();
	}

	/** Whoever asks for HTML by name; the rest is answered as an API. */
	private static MediaTypeRequestMatcher browsers() {
		MediaTypeRequestMatcher html = new MediaTypeRequestMatcher(MediaType.TEXT_HTML);
		html.setIgnoredMediaTypes(Set.of(MediaType.ALL));
		return html;
	}
}
