"""What a user of Hera does with a server; prints one JSON object with what came back. Arguments: the server's URL, its token."""

import json
import sys
import time

from hera.workflows import DAG, Artifact, Container, CronWorkflow, Parameter, Steps, Suspend, Workflow, WorkflowTemplate
from hera.workflows import ClusterWorkflowTemplate, WorkflowsService, models as m

NAMESPACE = "argo"
service = WorkflowsService(host=sys.argv[1], token=sys.argv[2], namespace=NAMESPACE)
own = {"workflows_service": service, "namespace": NAMESPACE}
seen = {}


def shell(name, line, **more):
    return Container(name=name, image="busybox", command=["sh", "-c"], args=[line], **more)


def phase_when(name, wanted):
    for _ in range(600):
        workflow = service.get_workflow(name)
        if wanted(workflow):
            return workflow.status.phase
        time.sleep(0.1)
    raise TimeoutError(f"{name} stays as it is: {workflow.status.phase}")


def ended(workflow):
    return workflow.status is not None and workflow.status.phase in ("Succeeded", "Failed", "Error")


def waits(workflow):
    nodes = (workflow.status and workflow.status.nodes) or {}
    return any(node.type == "Suspend" and node.phase == "Running" for node in nodes.values())


# A graph that passes a parameter and an artifact on.
with Workflow(generate_name="graph-", entrypoint="all", **own) as graph:
    make = shell(
        "make",
        "echo 42 > /tmp/number; echo kept > /tmp/text",
        outputs=[
            Parameter(name="number", value_from=m.ValueFrom(path="/tmp/number")),
            Artifact(name="text", path="/tmp/text", archive=m.ArchiveStrategy(none=m.NoneStrategy())),
        ],
    )
    use = shell(
        "use",
        "test {{inputs.parameters.number}} = 42 && cat /tmp/got",
        inputs=[Parameter(name="number"), Artifact(name="text", path="/tmp/got")],
    )
    with DAG(name="all"):
        first = make(name="first")
        second = use(
            name="second",
            arguments=[
                first.get_parameter("number").with_name("number"),
                first.get_artifact("text").with_name("text"),
            ],
        )
        first >> second
assert graph.lint().metadata.generate_name == "graph-"
made = graph.create(wait=True, poll_interval=1)
seen["graph"] = {node.display_name: node.phase for node in made.status.nodes.values() if node.type == "Pod"}
made_node = next(node for node in made.status.nodes.values() if node.display_name == "first")
seen["artifact"] = service.get_output_artifact(made.metadata.name, made_node.id, "text")
seen["listed"] = made.metadata.name in [each.metadata.name for each in service.list_workflows().items]

# Templates, and a run of one.
template = WorkflowTemplate(name="greet", entrypoint="say", templates=[shell("say", "echo hi")], **own)
template.create()
WorkflowTemplate(name="greet", entrypoint="say", templates=[shell("say", "echo hello")], **own).update()
seen["template"] = service.get_workflow_template("greet").spec.templates[0].container.args
run = service.submit_workflow(
    m.WorkflowSubmitRequest(
        namespace=NAMESPACE,
        resource_kind="WorkflowTemplate",
        resource_name="greet",
        submit_options=m.SubmitOpts(generate_name="greeting-", labels="by=hera"),
    )
)
seen["greeting"] = phase_when(run.metadata.name, ended)
seen["selected"] = len(service.list_workflows(label_selector="by=hera").items)
cluster_wide = ClusterWorkflowTemplate(
    name="greet-all", entrypoint="say", templates=[shell("say", "echo hi")], workflows_service=service
)
cluster_wide.create()
seen["cluster templates"] = [each.metadata.name for each in service.list_cluster_workflow_templates().items]
service.delete_cluster_workflow_template("greet-all")
service.delete_workflow_template("greet")
seen["templates left"] = service.list_workflow_templates().items

# Schedules.
schedule = CronWorkflow(name="nightly", entrypoint="say", schedules=["0 3 * * *"], templates=[shell("say", "echo hi")], **own)
schedule.create()
request = {"name": "nightly", "namespace": NAMESPACE}
seen["suspended"] = service.suspend_cron_workflow("nightly", req=m.CronWorkflowSuspendRequest(**request)).spec.suspend
service.resume_cron_workflow("nightly", req=m.CronWorkflowResumeRequest(**request))
changed = CronWorkflow(name="nightly", entrypoint="say", schedules=["0 4 * * *"], templates=[shell("say", "echo hi")], **own)
seen["schedules"] = changed.update().spec.schedules
service.delete_cron_workflow("nightly")


# What is done to running workflows.
def waiting():
    with Workflow(generate_name="waiting-", entrypoint="steps", **own) as workflow:
        with Steps(name="steps"):
            Suspend(name="gate")()
    name = workflow.create().metadata.name
    phase_when(name, waits)
    return name


name = waiting()
service.resume_workflow(name, req=m.WorkflowResumeRequest(name=name, namespace=NAMESPACE))
seen["resumed"] = phase_when(name, ended)
name = waiting()
request = m.WorkflowSetRequest(name=name, namespace=NAMESPACE, node_field_selector="displayName=gate", phase="Succeeded")
service.set_workflow(name, req=request)
seen["set"] = phase_when(name, ended)
name = waiting()
service.suspend_workflow(name, req=m.WorkflowSuspendRequest(name=name, namespace=NAMESPACE))
service.stop_workflow(name, req=m.WorkflowStopRequest(name=name, namespace=NAMESPACE))
seen["stopped"] = phase_when(name, ended)
name = waiting()
service.terminate_workflow(name, req=m.WorkflowTerminateRequest(name=name, namespace=NAMESPACE))
seen["terminated"] = phase_when(name, ended)
request = m.WorkflowRetryRequest(
    name=name, namespace=NAMESPACE, restart_successful=True, node_field_selector="displayName=gate"
)
service.retry_workflow(name, req=request)
phase_when(name, waits)
service.resume_workflow(name, req=m.WorkflowResumeRequest(name=name, namespace=NAMESPACE))
seen["retried"] = phase_when(name, ended)

# The archive.
uid = made.metadata.uid
for _ in range(600):
    archived = [each.metadata.uid for each in service.list_archived_workflows().items]
    if uid in archived:
        break
    time.sleep(0.1)
service.delete_workflow(made.metadata.name)
seen["archived"] = len(service.get_archived_workflow(uid).status.nodes)
again = service.resubmit_archived_workflow(
    uid, req=m.ResubmitArchivedWorkflowRequest(uid=uid, namespace=NAMESPACE, name=made.metadata.name)
)
seen["resubmitted"] = phase_when(again.metadata.name, ended)
service.delete_archived_workflow(uid)
seen["label keys"] = "workflows.argoproj.io/phase" in service.list_archived_workflow_label_keys().items

# Errors are told apart.
for what, call in {
    "unknown": lambda: service.get_workflow("nothing"),
    "invalid": lambda: Workflow(name="bad", entrypoint="nowhere", templates=[shell("say", "echo hi")], **own).create(),
}.items():
    try:
        call()
    except Exception as error:
        seen[what] = f"{type(error).__name__}: {error}"
service.delete_workflow(again.metadata.name)

print(json.dumps(seen))
