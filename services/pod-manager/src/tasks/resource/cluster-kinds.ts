import type { KindCatalogue, OfferedKind } from '#libs/kubernetes';
import { KubectlError } from './kubectl-error.js';
import type { KindSource, ObjectKind } from './object-kinds.js';

/** All kinds that the cluster has at this moment. */
export const clusterKinds = (catalogue: KindCatalogue): KindSource => ({
  ofWord: async (word) =>
    found(await catalogue.ofWord(word), `error: the server doesn't have a resource type ${JSON.stringify(word)}`),
  ofManifest: async (apiVersion, kind) =>
    found(
      await catalogue.ofManifest(apiVersion, kind),
      `error: resource mapping not found for "/tmp/manifest.yaml": no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion)}\nensure CRDs are installed first`,
    ),
});

const found = (offered: OfferedKind | undefined, message: string): ObjectKind => {
  if (offered === undefined) throw new KubectlError(message);
  const { kind, apiVersion, group, plural, shortNames, namespaced } = offered;
  return { ...{ kind, apiVersion, group, plural, shortNames }, singular: kind.toLowerCase(), isNamespaced: namespaced };
};
