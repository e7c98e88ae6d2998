export { configSchema } from './offloader.config.js';
export { OffloaderModule, offloaderJobs, type OffloaderPorts, type OffloaderSettings } from './offloader.module.js';
export { offloaderSettings } from './offloader.settings.js';
