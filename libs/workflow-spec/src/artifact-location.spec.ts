import { describe, expect, it } from 'vitest';

import {
  ARTIFACT_DRIVER_KINDS,
  artifactDriverKinds,
  artifactKeyField,
  artifactKeyOf,
  relocatedBlock,
} from './artifact-location.js';

const repository = { s3: { endpoint: 'minio:9000', bucket: 'b', keyFormat: '{{pod.name}}' } };

describe('the place of an artifact', () => {
  it('is named by its driver block; a block that is null is none', () => {
    expect(artifactDriverKinds({ name: 'a', path: '/a', s3: { key: 'k' } })).toEqual(['s3']);
    expect(artifactDriverKinds({ name: 'a', archive: { none: {} } })).toEqual([]);
    expect(artifactDriverKinds({ raw: { data: '' }, s3: { key: 'k' } })).toEqual(['s3', 'raw']);
    expect(artifactDriverKinds({ s3: null })).toEqual([]);
  });

  it('has its key in the field that the driver uses', () => {
    expect(artifactKeyOf({ s3: { key: 'k' } }, 's3')).toBe('k');
    expect(artifactKeyOf({ azure: { blob: 'k' } }, 'azure')).toBe('k');
    expect(artifactKeyOf({ s3: { key: '' } }, 's3')).toBeUndefined();
    expect(artifactKeyOf({ raw: { data: 'text' } }, 'raw')).toBeUndefined();
    expect(ARTIFACT_DRIVER_KINDS.filter((kind) => artifactKeyField(kind) === undefined)).toEqual(['raw', 'git']);
  });

  it('borrows from the repository what a block with only a key lacks, but not how keys are made', () => {
    expect(relocatedBlock('s3', { key: 'k' }, repository)).toEqual({ s3: { endpoint: 'minio:9000', bucket: 'b', key: 'k' } });
    expect(relocatedBlock('s3', {}, repository)).toEqual({ s3: { endpoint: 'minio:9000', bucket: 'b' } });
  });

  it('is a key in the repository, also where that is of another store', () => {
    expect(relocatedBlock('gcs', { key: 'k' }, repository)).toEqual({ s3: { endpoint: 'minio:9000', bucket: 'b', key: 'k' } });
    expect(relocatedBlock('s3', { key: 'k' }, { filesystem: {} })).toEqual({ filesystem: { key: 'k' } });
    expect(relocatedBlock('s3', { key: 'k' }, { azure: { container: 'c', blobNameFormat: 'x' } })).toEqual({
      azure: { container: 'c', blob: 'k' },
    });
  });

  it('borrows nothing where the block names its own place, or there is no repository', () => {
    expect(relocatedBlock('s3', { key: 'k', bucket: 'mine' }, repository)).toEqual({ s3: { key: 'k', bucket: 'mine' } });
    expect(relocatedBlock('filesystem', { key: 'k' }, repository)).toEqual({ filesystem: { key: 'k' } });
    expect(relocatedBlock('artifactory', { url: 'k' }, repository)).toEqual({ artifactory: { url: 'k' } });
    expect(relocatedBlock('s3', { key: 'k' }, undefined)).toEqual({ s3: { key: 'k' } });
    expect(relocatedBlock('raw', {}, { raw: { data: 'other' } })).toEqual({ raw: {} });
  });
});
