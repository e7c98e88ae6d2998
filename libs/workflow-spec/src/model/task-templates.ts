import type { Artifact, JsonValue, KubernetesObject, ObjectMeta } from './workflow.js';

/** Wire shapes of the templates that no container of the user's runs (Argo v4.1 `docs/fields.md`: HTTP, ResourceTemplate, Data, Plugin). */

/** One header of a request; `valueFrom` names a key of a Secret in the workflow's namespace. */
export type HttpHeader = {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name?: string; key: string; optional?: boolean } };
};

/** A request over HTTP. `bodyFrom.bytes` is base64. */
export type HttpTemplate = {
  /** Default GET. */
  method?: string;
  url: string;
  headers?: HttpHeader[];
  body?: string;
  bodyFrom?: { bytes?: string };
  timeoutSeconds?: number;
  /** Expression over `request` and `response`; without one every 2xx is a success. */
  successCondition?: string;
  insecureSkipVerify?: boolean;
};

/** What is done with an object of Kubernetes' kind, as `kubectl <action>` does it. */
export type ResourceTemplate = {
  action: 'get' | 'create' | 'apply' | 'delete' | 'replace' | 'patch';
  /** YAML of one object. */
  manifest?: string;
  /** Names an input artifact that holds the YAML. */
  manifestFrom?: { artifact: { name: string } };
  /** Default strategic. */
  mergeStrategy?: 'strategic' | 'merge' | 'json';
  /** Requirements over the object, as a label selector whose keys are gjson paths; waited for. */
  successCondition?: string;
  failureCondition?: string;
  setOwnerReference?: boolean;
  /** Further arguments as kubectl would be given them. */
  flags?: string[];
};

/** Reads paths of artifacts and changes their list by expressions. */
export type DataTemplate = {
  source: { artifactPaths?: Artifact };
  transformation?: { expression: string }[];
};

/** Exactly one key: the plugin's name, with whatever it takes. */
export type PluginTemplate = { [name: string]: JsonValue };

/** A plugin that a workflow brings along (`spec.executorPlugins`) or that stands in a ConfigMap. */
export type ExecutorPlugin = {
  metadata?: ObjectMeta;
  spec: { sidecar: { automountServiceAccountToken?: boolean; container: KubernetesObject } };
};
