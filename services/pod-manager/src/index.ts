export { configSchema } from './pod-manager.config.js';
export { PodManagerModule, podManagerJobs, type PodManagerPorts, type PodManagerSettings } from './pod-manager.module.js';
