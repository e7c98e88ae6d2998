import type { EngineConfig } from '#libs/engine';
import type { ControllerConfig } from '#libs/workflow-spec';

/** What the engine is told for its next decision: the controller's ConfigMap where it says something, else the program's variables. */
export const engineConfigOf = (variables: EngineConfig, config: ControllerConfig): EngineConfig => {
  const { artifactRepository, workflowDefaults, workflowRestrictions, podGCDeleteDelayDuration } = config;
  const templateReferencing = workflowRestrictions?.templateReferencing;
  return {
    ...variables,
    ...(artifactRepository === undefined ? {} : { artifactRepository }),
    ...(workflowDefaults === undefined ? {} : { workflowDefaults }),
    ...(templateReferencing === undefined ? {} : { templateReferencing }),
    ...(podGCDeleteDelayDuration === undefined ? {} : { podDeleteDelayMs: podGCDeleteDelayDuration }),
  };
};
