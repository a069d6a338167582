// For those who write a backend-for-frontend.
export { defineLoader, type LoaderDefinition } from './batch/loader.ts';
export { defineConfig, type WeirConfig } from './config/config.ts';
export type { UpstreamConfig } from './config/upstreams.ts';
export { type ErrorCode, errorTable, WeirError, type WeirErrorOptions } from './errors.ts';
// For those who host a gateway in a process of their own.
export { createGateway, type Gateway, type GatewayOptions, StartError } from './gateway.ts';
export type { BudgetPolicy, BudgetPolicyFor } from './guard/budget/policy.ts';
export { createBudgetPolicy } from './guard/budget/policy.ts';
export type { RateLimitView } from './guard/budget/rate-limit-view.ts';
export { priceDocument } from './guard/cost/price-document.ts';
export type { Principal } from './identity/principal.ts';
export { createLog, type Log, type LogLevel } from './observe/log.ts';
export type { OperationContext } from './operation/context.ts';
export { type InputPaths, withInputPaths } from './operation/input-paths.ts';
export type { OperationUpstream } from './operation/operation-upstream.ts';
export {
  type ConnectionSource,
  resolveConnection,
  type UpstreamPage,
  type UpstreamRows,
} from './operation/resolve-connection.ts';
export { type TopicSource, type TopicSourceOptions, topicSource } from './operation/topic-source.ts';
export type { Connection, Edge, PageInfo } from './page/connection.ts';
export type { FilterValue } from './page/cursor.ts';
export { assertNodeId, encodeNodeId, type ParsedNodeId, parseNodeId } from './page/node-id.ts';
export type { PageArguments, PageLimits } from './page/page.ts';
export { WeirPlugin, weirPluginName } from './pothos/weir-plugin.ts';
export type { PumpItem } from './realtime/pump-source.ts';
export type { Audience, TopicMode } from './realtime/topic.ts';
