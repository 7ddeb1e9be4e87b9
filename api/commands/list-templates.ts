import { constant } from '../constants.ts';
import { defineCommand, EVERYBODY } from '../command.ts';
import { choice, flag, id, list, map, required, text } from '../parameters.ts';
import { ownerParameters } from '../owners.ts';
import { pagingParameters } from '../paging.ts';
import { DEPLOYMENT_STATES } from '../responses/deployment.ts';
import { TEMPLATE } from '../responses/template.ts';
import { TEMPLATE_FILTERS } from '../../db/listings/templates.ts';
import { answerTemplates } from '../template-list.ts';

export const listTemplates = defineCommand({
  name: 'listTemplates',
  description: 'Lists templates, one entry per zone.',
  roles: EVERYBODY,
  parameters: {
    templatefilter: required(choice(`which of them: ${TEMPLATE_FILTERS.join(', ')}`, TEMPLATE_FILTERS)),
    id: id('this one'),
    ids: list('these'),
    name: text('those of this name'),
    zoneid: id('those in this zone'),
    storageid: id('those that lie on this storage pool'),
    arch: choice('those for this processor architecture', ['x86_64', 'aarch64']),
    oscategoryid: id('those whose guest operating system is of this category'),
    hypervisor: constant('hypervisor', 'KVM'),
    templatetype: constant('type', 'USER'),
    details: list('all: also details and mirrors'),
    format: choice('those of this format: QCOW2 or RAW', ['QCOW2', 'RAW']),
    isready: flag('those that can be deployed, or those that cannot'),
    deploymentstate: choice('those with a deployment in this state', DEPLOYMENT_STATES),
    showremoved: flag('also those that were removed'),
    showunique: flag('one entry per template instead of one per zone'),
    tags: map('those with all of these tags, as tags[0].key and tags[0].value'),
    ...ownerParameters,
    ...pagingParameters,
  },
  objects: 'template',
  response: TEMPLATE,
  run: (context, values) =>
    answerTemplates(context, { ...values, iso: false, filter: values.templatefilter }),
});
