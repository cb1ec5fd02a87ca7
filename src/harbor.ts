/// <reference types="node" preserve="true" />
/** The door of harbors: see docs/harbor.md. */

export type { LuaValues } from './codec/seri/lua-values.ts'
export { luaValues, valuesOf } from './codec/seri/lua-values.ts'
export type { Harbor } from './harbor/harbor.ts'
export { harborOf, startHarbor } from './harbor/harbor.ts'
export type { ClusterHarborOptions, HarborLimits, HarborOptions } from './harbor/harbor-options.ts'
export type { HarborInfo, HarborStat } from './harbor/harbor-service.ts'
export type { HarborState } from './harbor/slave.ts'
