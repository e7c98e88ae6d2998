export { configSchema, logShippingOf } from './pod-manager.config.js';
export { openPodRuntime, type PodRuntimeSettings } from './wiring/open-pod-runtime.js';
export { PodManagerModule, podManagerJobs, type PodManagerPorts, type PodManagerSettings } from './pod-manager.module.js';
