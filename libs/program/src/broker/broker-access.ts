import { randomBytes } from 'node:crypto';

import type { Secret } from '#libs/config';
import type { ResourceStore } from '#libs/resources';
import type { Store } from '#libs/store';
import type { Clock } from '#libs/workflow-spec';

import { CredentialNamespaces } from './credential-namespace.js';
import { type PodIdentity, PodTokens } from './pod-tokens.js';

const KEY_NAME = 'artifact-broker';
const KEY_BYTES = 32;

/** What tokens of pods are made with. */
export interface PodTokenParts {
  store: Pick<Store, 'installationKeys'>;
  clock: Clock;
  /** ARTIFACT_BROKER_KEY; absent: a key that the installation makes once and keeps in its database. */
  key: Secret | undefined;
}

/** Opens the tokens of an installation; its key is looked up when it is first needed. */
export const openPodTokens = ({ store, clock, key }: PodTokenParts): PodTokens => {
  let stored: Promise<string> | undefined;
  const lookUp = async (): Promise<string> => {
    stored ??= store.installationKeys.obtain(KEY_NAME, randomBytes(KEY_BYTES).toString('base64url'), clock.nowMs());
    try {
      return await stored;
    } catch (error) {
      stored = undefined;
      throw error;
    }
  };
  return new PodTokens(key === undefined ? lookUp : async () => key.reveal(), clock);
};

/** The variables by which the executor of a pod reaches the broker. */
export interface BrokerAccess {
  /** For the containers `init` and `wait` alone, at the moment the pod is made; they are stored nowhere. */
  environment(pod: PodIdentity): Promise<{ name: string; value: string }[]>;
}

/** How pods reach the broker; undefined where `url` (ARTIFACT_BROKER_URL) is not set: then they get Secrets, as Argo's pods do. */
export const openBrokerAccess = (
  parts: PodTokenParts & { url: string | undefined; tokenLifeMs: number },
): BrokerAccess | undefined => {
  const { url, tokenLifeMs } = parts;
  if (url === undefined) return undefined;
  const tokens = openPodTokens(parts);
  return {
    environment: async (pod) => [
      { name: 'ARTIFACT_BROKER_URL', value: url },
      { name: 'ARTIFACT_BROKER_TOKEN', value: await tokens.issue(pod, tokenLifeMs) },
    ],
  };
};

/** What the server's side of the broker is made of. */
export interface BrokerParts {
  tokens: PodTokens;
  credentials: CredentialNamespaces;
}

/** Opens the server's side of the broker; undefined where it is switched off. */
export const openBroker = (
  config: { artifactBroker: boolean; artifactBrokerKey: Secret | undefined },
  parts: Omit<PodTokenParts, 'key'> & { resources: ResourceStore; controllerNamespace: string },
): BrokerParts | undefined =>
  config.artifactBroker
    ? { tokens: openPodTokens({ ...parts, key: config.artifactBrokerKey }), credentials: new CredentialNamespaces(parts) }
    : undefined;
