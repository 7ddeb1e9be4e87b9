/**
 * What all runs of a control worker share: it is loaded once, before the first run, instead of anew for each, and frozen. Only
 * modules without a state of their own may be loaded here, as how messages are read and the rules are.
 */
import '../model/messages/inputs.ts';
import '../model/messages/pool-files.ts';
import '../model/messages/progress.ts';
import '../model/messages/runs.ts';
import '../model/messages/vms.ts';
import '../model/rules/released.ts';
