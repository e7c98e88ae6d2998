export { configSchema } from './archiver.config.js';
export { ArchiverModule, archiverJobs, type ArchiverPorts, type ArchiverSettings } from './archiver.module.js';
export { archiverSettings } from './archiver.settings.js';
