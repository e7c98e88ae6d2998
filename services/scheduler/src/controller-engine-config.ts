import type { EngineConfig } from '#libs/engine';
import type { ControllerConfig } from '#libs/workflow-spec';

/** Argo's default. */
const DEFAULT_POD_RESTARTS = 3;

/** What the engine is told for its next decision: the controller's ConfigMap where it says something, else the program's variables. */
export const engineConfigOf = (variables: EngineConfig, config: ControllerConfig): EngineConfig => {
  const { artifactRepository, workflowDefaults, workflowRestrictions, podGCDeleteDelayDuration, failedPodRestart } = config;
  const templateReferencing = workflowRestrictions?.templateReferencing;
  return {
    ...variables,
    ...(artifactRepository === undefined ? {} : { artifactRepository }),
    ...(workflowDefaults === undefined ? {} : { workflowDefaults }),
    ...(templateReferencing === undefined ? {} : { templateReferencing }),
    ...(failedPodRestart?.enabled === true
      ? { failedPodRestart: { maxRestarts: failedPodRestart.maxRestarts ?? DEFAULT_POD_RESTARTS } }
      : {}),
    ...(podGCDeleteDelayDuration === undefined ? {} : { podDeleteDelayMs: podGCDeleteDelayDuration }),
  };
};
