export { HttpPodLogSource, type HostAddress } from './logs/http-pod-log-source.js';
export { RuntimePodLogSource, type LoggingRuntime } from './logs/runtime-pod-log-source.js';
export type { LoggedPod, PodLogLine, PodLogOptions, PodLogSource, ServerLogger, ServerPorts } from './ports.js';
export { configSchema, serverSchema, type ServerConfig } from './server.config.js';
export { ServerModule } from './server.module.js';
export { configureServerApp, listenAddress, startServer, type RunningServer } from './server.js';
