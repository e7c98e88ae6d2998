/** Structured log lines. Values of environment variables and secrets are never passed to it. */
export interface RuntimeLogger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What a key of a ConfigMap or a Secret holds; `null` where the object or the key does not exist. */
export interface EnvSource {
  configMapKey(namespace: string, name: string, key: string): Promise<string | null>;
  secretKey(namespace: string, name: string, key: string): Promise<string | null>;
  /** All keys, for `envFrom`. */
  configMap(namespace: string, name: string): Promise<Record<string, string> | null>;
  secret(namespace: string, name: string): Promise<Record<string, string> | null>;
  /** All keys as bytes, for volumes; `binaryData` of a ConfigMap included. */
  configMapFiles(namespace: string, name: string): Promise<Record<string, Uint8Array> | null>;
  secretFiles(namespace: string, name: string): Promise<Record<string, Uint8Array> | null>;
}
