export { openArtifactDrivers } from './artifact-drivers.js';
export { artifactRepositoryFromText } from './artifact-repository.js';
export { openControllerConfig, openParts, openResources, type ProgramConfig, type ProgramParts } from './parts.js';
export { type BuiltService, type ProgramDefinition, runProgram } from './run-program.js';
export { systemClock } from './system-clock.js';
