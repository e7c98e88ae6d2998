/**
 * What a platform tells a program about the identity that it runs under, for `useSDKCreds`. Each value is that of the variable of
 * the same name; absent ones are ways that this machine does not have.
 */
export interface MachineIdentity {
  /** Azure: a federated token (AKS), or the endpoint of App Service; without both the address of a virtual machine is asked. */
  azureClientId?: string | undefined;
  azureTenantId?: string | undefined;
  azureFederatedTokenFile?: string | undefined;
  azureAuthorityHost?: string | undefined;
  identityEndpoint?: string | undefined;
  identityHeader?: { reveal(): string } | undefined;
  /** Alibaba: a role that is lent for the token of a service account (RRSA). */
  alibabaCloudRoleArn?: string | undefined;
  alibabaCloudOidcProviderArn?: string | undefined;
  alibabaCloudOidcTokenFile?: string | undefined;
  alibabaCloudStsUrl?: string | undefined;
}

/** How a program reaches stores, beside the Secrets of workflows. */
export interface StoreSettings extends MachineIdentity {
  /** Folder in which each plugin for artifacts has a folder of its name with its `socket`; without it `plugin` is refused. */
  artifactPlugins?: string | undefined;
}
