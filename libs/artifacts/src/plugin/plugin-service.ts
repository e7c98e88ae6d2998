import { type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';

const text = (id: number) => ({ type: 'string', id });
const truth = (id: number) => ({ type: 'bool', id });
const outcome = { fields: { success: truth(1), error: text(2) } };
const about = { fields: { artifact: { type: 'Artifact', id: 1 } } };
const call = (requestType: string, responseType: string) => ({ requestType, responseType });

/**
 * The service that a plugin for artifacts offers (`artifact.ArtifactService`, with the numbers of the `artifact.proto` that Argo publishes for those who write
 * plugins), as much of it as is used here: of an artifact only its name and its place are told.
 */
const DEFINITION = {
  nested: {
    artifact: {
      nested: {
        PluginArtifact: {
          fields: {
            name: text(1),
            configuration: text(2),
            connectionTimeoutSeconds: { type: 'int32', id: 3 },
            key: text(4),
          },
        },
        Artifact: { fields: { name: text(1), path: text(2), plugin: { type: 'PluginArtifact', id: 5 } } },
        LoadArtifactRequest: { fields: { inputArtifact: { type: 'Artifact', id: 1 }, path: text(2) } },
        LoadArtifactResponse: outcome,
        OpenStreamRequest: about,
        OpenStreamResponse: { fields: { data: { type: 'bytes', id: 1 }, isEnd: truth(2), error: text(3) } },
        SaveArtifactRequest: { fields: { path: text(1), outputArtifact: { type: 'Artifact', id: 2 } } },
        SaveArtifactResponse: outcome,
        DeleteArtifactRequest: about,
        DeleteArtifactResponse: outcome,
        ListObjectsRequest: about,
        ListObjectsResponse: { fields: { objects: { rule: 'repeated', ...text(1) }, error: text(2) } },
        IsDirectoryRequest: about,
        IsDirectoryResponse: { fields: { isDirectory: truth(1), error: text(2) } },
        ArtifactService: {
          methods: {
            Load: call('LoadArtifactRequest', 'LoadArtifactResponse'),
            OpenStream: { ...call('OpenStreamRequest', 'OpenStreamResponse'), responseStream: true },
            Save: call('SaveArtifactRequest', 'SaveArtifactResponse'),
            Delete: call('DeleteArtifactRequest', 'DeleteArtifactResponse'),
            ListObjects: call('ListObjectsRequest', 'ListObjectsResponse'),
            IsDirectory: call('IsDirectoryRequest', 'IsDirectoryResponse'),
          },
        },
      },
    },
  },
};

/** An artifact as the service is told of it. */
export interface PluginArtifactMessage {
  name: string;
  plugin: { name: string; configuration: string; connectionTimeoutSeconds: number; key: string };
}

/** The service's client class, and its definition for a server. */
export const ArtifactService = (
  loadPackageDefinition(fromJSON(DEFINITION as Parameters<typeof fromJSON>[0], { defaults: true })) as { artifact: GrpcObject }
).artifact['ArtifactService'] as ServiceClientConstructor;
