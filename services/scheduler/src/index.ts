export { configSchema } from './scheduler.config.js';
export { SchedulerModule, schedulerJobs, type SchedulerPorts, type SchedulerSettings } from './scheduler.module.js';
export { schedulerSettings } from './scheduler.settings.js';
