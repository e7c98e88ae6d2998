import { configOf, loadConfig, optionalSecret, optionalText, type ConfigOf } from '#libs/config';

/** Variables of the command line: Argo's own. */
export const configSchema = configOf({
  argoServer: optionalText({ about: 'Server as host:port; localhost:2746 where absent.' }),
  argoToken: optionalText({ about: 'Token for the server, with or without "Bearer ".' }),
  argoSecure: optionalText({ about: 'Whether the server speaks TLS (true or false); default: not on this machine, else yes.' }),
  argoInsecureSkipVerify: optionalText({ about: 'Whether the certificate of the server is not checked (true or false).' }),
  argoBaseHref: optionalText({ about: 'Path below which the server serves.' }),
  argoNamespace: optionalText({ about: 'Namespace; default where absent.' }),
  authToken: optionalSecret({ about: 'Token that requests to `argosy up` must carry; none where absent.' }),
  argoInstanceid: optionalText({ about: 'Value of the instance label that submitted workflows get.' }),
});
export type CliConfig = ConfigOf<typeof configSchema>;

export const readCliConfig = (): CliConfig => loadConfig(configSchema);
