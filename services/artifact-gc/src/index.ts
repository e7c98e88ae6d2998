export { configSchema } from './artifact-gc.config.js';
export { ArtifactGcModule, artifactGcJobs, type ArtifactGcPorts, type ArtifactGcSettings } from './artifact-gc.module.js';
export { artifactGcSettings } from './artifact-gc.settings.js';
