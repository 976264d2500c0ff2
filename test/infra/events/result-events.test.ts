/** Who may put events on which bus, and what reaches the topic. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { imageEvent } from '../../../src/events/details.ts';
import { CAPTIONED, LOCATION } from '../../events/results.ts';
import { matchesPattern } from '../../support/aws/event-pattern.ts';
import { mayCall, resourceStatements, serviceMayCall, statementsOf } from '../../support/aws/iam.ts';
import { arnOf } from '../../support/aws/template.ts';
import { deployedAs } from '../deployed.ts';

const WITH_TOPIC = 'key, versions, events and tags';
const NAMED_BUS = 'several buckets';

function put(way: string, role: string, bus: string, source: string): boolean {
  const { resources, idsOf } = deployedAs(way);
  const id = idsOf('AWS::IAM::Role').find((name) => name.startsWith(role));
  assert.ok(id, role);
  return mayCall(statementsOf(id, resources), {
    action: 'events:PutEvents',
    resource: `arn:aws:events:eu-west-1:111122223333:event-bus/${bus}`,
    context: { 'events:source': source },
  });
}

describe('events about results', () => {
  const tellers = ['QueueFunctionRole', 'WorkflowFunctionRole', 'SummaryFunctionRole'];
  it('are put by those that record and sum up, on the one bus, in the one name', () => {
    for (const role of tellers) {
      assert.ok(put(NAMED_BUS, role, 'results', 'show-and-tell'), role);
      assert.ok(!put(NAMED_BUS, role, 'default', 'show-and-tell'), role);
      assert.ok(!put(NAMED_BUS, role, 'results', 'aws.s3'), role);
    }
    assert.ok(!put(NAMED_BUS, 'HttpFunctionRole', 'results', 'show-and-tell'));
    assert.ok(put(WITH_TOPIC, 'GpuTaskDefinitionTaskRole', 'default', 'show-and-tell'));
  });

  it('are off unless they are asked for', () => {
    for (const way of ['dev', 'prod', 'gpu'])
      assert.doesNotMatch(JSON.stringify(deployedAs(way).resources), /PutEvents|EVENT_BUS|--event-bus/);
  });

  it('carry the name of the stack, and bring the functions no other variables', () => {
    const { propertiesOf } = deployedAs(NAMED_BUS);
    const variablesOf = (id: string) =>
      (propertiesOf('AWS::Lambda::Function', id).Environment as { Variables: Record<string, string> })
        .Variables;
    const inputs = 'holiday-photos,scans,drop-box';
    for (const id of ['QueueFunction', 'WorkflowFunction', 'SummaryFunction']) {
      const { EVENT_BUS, DEPLOYMENT } = variablesOf(id);
      assert.deepEqual([EVENT_BUS, DEPLOYMENT], ['results', 'Captioner'], id);
    }
    assert.equal(variablesOf('HttpFunction').EVENT_BUS, undefined);
    const { TAG_OBJECTS, ALLOWED_BUCKETS } = variablesOf('QueueFunction');
    assert.deepEqual([TAG_OBJECTS, ALLOWED_BUCKETS], [inputs, inputs]);
    for (const id of ['HttpFunction', 'WorkflowFunction'])
      assert.equal(variablesOf(id).ALLOWED_BUCKETS, `${inputs},other-photos`, id);
    assert.equal(variablesOf('HttpFunction').TAG_OBJECTS, undefined);
  });

  it('reach the topic, all of this deployment and none of another', () => {
    const { idOf, propertiesOf, resources, template } = deployedAs(WITH_TOPIC);
    const topic = arnOf(idOf('AWS::SNS::Topic', 'EventsTopic'), resources);
    const { EventPattern, Targets, EventBusName } = propertiesOf('AWS::Events::Rule', 'EventsAllResults');
    assert.deepEqual(
      [EventBusName, (Targets as { Arn: string }[]).map(({ Arn }) => Arn)],
      ['default', [topic]],
    );
    const event = (deployment: string) => {
      const { type, detail } = imageEvent(CAPTIONED, LOCATION, deployment);
      return { source: 'show-and-tell', 'detail-type': type, detail };
    };
    assert.ok(matchesPattern(EventPattern as object, event('Captioner')));
    assert.ok(!matchesPattern(EventPattern as object, event('Other')));
    const guards = resourceStatements(idOf('AWS::SNS::Topic', 'EventsTopic'), resources);
    const publish = (service: string, context = {}) =>
      serviceMayCall(service, guards, { action: 'sns:Publish', resource: topic, context });
    assert.ok(publish('events.amazonaws.com'));
    assert.ok(!publish('events.amazonaws.com', { 'aws:SecureTransport': 'false' }));
    assert.ok(!publish('s3.amazonaws.com'));
    assert.ok(template.findOutputs('ResultsTopic').ResultsTopic);
    assert.deepEqual(deployedAs(NAMED_BUS).template.findOutputs('ResultsTopic'), {});
  });
});

test('a topic without events of it is encrypted only where the settings have a key', () => {
  assert.ok(deployedAs(WITH_TOPIC).propertiesOf('AWS::SNS::Topic', 'EventsTopic').KmsMasterKeyId);
});
