import { describe, expect, it } from 'vitest';
import { artifactRepositoryFromText } from './artifact-repository.js';

describe('ARTIFACT_REPOSITORY', () => {
  it.each([
    ['JSON', '{"archiveLogs":true,"s3":{"bucket":"b","keyFormat":"a/{{workflow.name}}"}}'],
    ['YAML', 'archiveLogs: true\ns3:\n  bucket: b\n  keyFormat: a/{{workflow.name}}\n'],
  ])('is read as %s, as an entry of a ConfigMap of repositories is', (_form, text) => {
    expect(artifactRepositoryFromText(text)).toEqual({
      location: { s3: { bucket: 'b' } },
      keyFormat: 'a/{{workflow.name}}',
      archiveLogs: true,
    });
  });

  it('is no repository where it is absent', () => {
    expect(artifactRepositoryFromText(undefined)).toBeNull();
  });

  it.each([
    ['{"s3":{},"gcs":{}}', /one driver/],
    ['{"tape":{}}', /tape/],
    ['archiveLogs: true', /one driver/],
    ['{"s3":', /./],
  ])('names the variable where it is %s', (text, problem) => {
    expect(() => artifactRepositoryFromText(text)).toThrow(problem);
    expect(() => artifactRepositoryFromText(text)).toThrow(/ARTIFACT_REPOSITORY/);
  });
});
