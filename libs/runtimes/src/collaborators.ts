/** Structured log lines; pino's logger fits as it is. Values of environment variables and secrets are never passed to it. */
export interface RuntimeLogger {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** What a key of a ConfigMap or a Secret holds; `null` where the object or the key does not exist. */
export interface EnvSource {
  configMapKey(namespace: string, name: string, key: string): Promise<string | null>;
  secretKey(namespace: string, name: string, key: string): Promise<string | null>;
  /** All keys, for `envFrom`. */
  configMap(namespace: string, name: string): Promise<Record<string, string> | null>;
  secret(namespace: string, name: string): Promise<Record<string, string> | null>;
}
