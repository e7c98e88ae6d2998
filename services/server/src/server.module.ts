import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Store } from '#libs/store';
import { ActionService } from './actions/action.service.js';
import { ActionsController } from './actions/actions.controller.js';
import { ArchivedRetry } from './archived-workflows/archived-retry.js';
import { ArchivedWorkflowsController } from './archived-workflows/archived-workflows.controller.js';
import { ArtifactDeletionsController } from './artifacts/artifact-deletions.controller.js';
import { ArtifactDownload } from './artifacts/artifact-download.service.js';
import { ArtifactUpload } from './artifacts/artifact-upload.service.js';
import { ArtifactsController } from './artifacts/artifacts.controller.js';
import { UploadsController } from './artifacts/uploads.controller.js';
import { ArtifactBroker } from './broker/artifact-broker.service.js';
import { BrokerErrorFilter } from './broker/broker-error.filter.js';
import { LendingController } from './broker/lending.controller.js';
import { ProxyingController } from './broker/proxying.controller.js';
import { CheckupController } from './checkup/checkup.controller.js';
import { CheckupService } from './checkup/checkup.service.js';
import { ApiErrorFilter } from './errors/api-error.filter.js';
import { EventBindingsController } from './event-bindings/event-bindings.controller.js';
import { EventDispatch } from './event-bindings/event-dispatch.service.js';
import { WebhookClients } from './event-bindings/webhook-clients.js';
import { EventsController } from './events/events.controller.js';
import { KubernetesEventsController } from './events/kubernetes-events.controller.js';
import { WatchService } from './events/watch.service.js';
import { HealthController } from './health/health.controller.js';
import { ControllerConfigController } from './info/controller-config.controller.js';
import { InfoController } from './info/info.controller.js';
import { LogsController } from './logs/logs.controller.js';
import { LogStreamService } from './logs/log-stream.service.js';
import { ShippedLog } from './logs/shipped-log.js';
import { NotYetController } from './not-yet/not-yet.controller.js';
import { ARTIFACT_DRIVERS, BROKER_PARTS, POD_LOG_SOURCE, RESOURCE_STORE, SERVER_CONTEXT, type ServerPorts } from './ports.js';
import { OwnResourcesController } from './resources/own-resources.controller.js';
import { StreamLimit } from './streams/stream-limit.js';
import { StoredObjects } from './templates/stored-objects.js';
import { SyncLimitsController } from './sync/sync-limits.controller.js';
import { SyncLimits } from './sync/sync-limits.service.js';
import { TemplateObjects } from './templates/template-objects.service.js';
import {
  ClusterWorkflowTemplatesController,
  CronWorkflowsController,
  WorkflowTemplatesController,
} from './templates/templates.controller.js';
import { RuntimeGuard } from './workflows/runtime-guard.js';
import { ArchivePages } from './workflows/archive-pages.js';
import { SubmissionController } from './workflows/submission.controller.js';
import { SubmissionService } from './workflows/submission.service.js';
import { TemplateSubmission } from './workflows/template-submission.js';
import { WorkflowChecker } from './workflows/workflow-checker.js';
import { WorkflowListService } from './workflows/workflow-list.service.js';
import { WorkflowReader } from './workflows/workflow-reader.js';
import { WorkflowsController } from './workflows/workflows.controller.js';

/** The API's routes. Literal paths stand before those with a name in the same place. */
const CONTROLLERS = [
  HealthController,
  InfoController,
  ControllerConfigController,
  CheckupController,
  SubmissionController,
  WorkflowsController,
  ActionsController,
  LogsController,
  EventsController,
  EventBindingsController,
  KubernetesEventsController,
  WorkflowTemplatesController,
  ClusterWorkflowTemplatesController,
  CronWorkflowsController,
  ArchivedWorkflowsController,
  ArtifactDeletionsController,
  ArtifactsController,
  UploadsController,
  LendingController,
  ProxyingController,
  OwnResourcesController,
  SyncLimitsController,
  NotYetController,
];

const SERVICES = [
  ActionService,
  ArchivePages,
  ArchivedRetry,
  ArtifactBroker,
  ArtifactDownload,
  ArtifactUpload,
  BrokerErrorFilter,
  CheckupService,
  EventDispatch,
  WebhookClients,
  LogStreamService,
  ShippedLog,
  RuntimeGuard,
  StoredObjects,
  StreamLimit,
  SubmissionService,
  SyncLimits,
  TemplateObjects,
  TemplateSubmission,
  WatchService,
  WorkflowChecker,
  WorkflowListService,
  WorkflowReader,
];

const portProviders = ({ store, resources, artifacts, podLogs, broker, ...context }: ServerPorts): Provider[] => [
  { provide: Store, useValue: store },
  { provide: SERVER_CONTEXT, useValue: context },
  { provide: RESOURCE_STORE, useValue: resources },
  { provide: ARTIFACT_DRIVERS, useValue: artifacts },
  { provide: POD_LOG_SOURCE, useValue: podLogs },
  { provide: BROKER_PARTS, useValue: broker },
  { provide: APP_FILTER, useClass: ApiErrorFilter },
];

/** The HTTP API as a module, for a program of its own and for the program that holds all services. */
@Module({})
export class ServerModule {
  static register(ports: ServerPorts): DynamicModule {
    return { module: ServerModule, controllers: CONTROLLERS, providers: [...portProviders(ports), ...SERVICES] };
  }
}
