variable "tenant" {
  description = "The customer, as in site.toml. It is part of names, tags, policies and every encryption context."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?$", var.tenant))
    error_message = "tenant must be 1 to 30 of a-z, 0-9 and -, with no - at either end: names of buckets and roles are made of it."
  }
}

variable "sites" {
  description = "The installations by name: who a site's machine is (ARNs of roles or users that borrow the roles), and its external id. What a site stores begins with its name."
  type = map(object({
    principals  = list(string)
    external_id = string
  }))

  validation {
    condition     = length(var.sites) > 0 && alltrue([for name in keys(var.sites) : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", name))])
    error_message = "sites needs at least one; a name must be 1 to 63 of a-z, 0-9 and -, with no - at either end."
  }

  validation {
    condition = alltrue(flatten([
      for site in values(var.sites) : [
        length(site.principals) > 0,
        [for arn in site.principals : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))],
      ]
    ]))
    error_message = "principals must be ARNs of roles or users, at least one for each site: a whole account or * would lend the roles to anybody in it."
  }

  validation {
    condition     = alltrue([for site in values(var.sites) : length(site.external_id) >= 2 && length(site.external_id) <= 1224 && can(regex("^[A-Za-z0-9+=,.@:/_-]+$", site.external_id))])
    error_message = "external_id must be 2 to 1224 of letters, digits and + = , . @ : / - _."
  }

  validation {
    condition     = length(distinct([for site in values(var.sites) : site.external_id])) == length(var.sites)
    error_message = "each site needs an external_id of its own."
  }
}

variable "auditors" {
  description = "ARNs of the roles or users that may borrow the auditor's role, which opens artifacts."
  type        = list(string)

  validation {
    condition     = length(var.auditors) > 0 && alltrue([for arn in var.auditors : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "auditors must be ARNs of roles or users, at least one."
  }
}

variable "erasers" {
  description = "ARNs of the roles or users that may borrow the role that erases a person's data; nobody, and there is no such role."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.erasers : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "erasers must be ARNs of roles or users."
  }
}

variable "session_minutes" {
  description = "How long a session of a courier lives."
  type        = number
  default     = 15

  validation {
    condition     = var.session_minutes >= 15 && var.session_minutes <= 60 && floor(var.session_minutes) == var.session_minutes
    error_message = "session_minutes must be a whole number from 15 to 60."
  }
}

variable "retention_days" {
  description = "How long what a site stores is kept, by class: of runs evidence (pictures, recordings, log, report), output and pii (what was masked); event, also below events/; audit, and with it the manifests of runs."
  type        = object({ evidence = number, output = number, pii = number, event = number, audit = number })
  default     = { evidence = 365, output = 365, pii = 365, event = 90, audit = 2557 }

  validation {
    condition     = alltrue([for days in values(var.retention_days) : days >= 1 && floor(days) == days])
    error_message = "retention_days must be whole numbers of at least 1."
  }

  validation {
    condition     = var.retention_days.audit >= max(values(var.retention_days)...)
    error_message = "retention_days.audit must not be less than any other: what is kept must be in the audit log and in a manifest."
  }
}

variable "lock_days" {
  description = "For how long nobody, the account's root included, deletes a copy of audit/ (Object Lock, compliance mode). It cannot be shortened once written."
  type        = number
  default     = 365

  validation {
    condition     = var.lock_days >= 1 && var.lock_days <= 36500 && floor(var.lock_days) == var.lock_days
    error_message = "lock_days must be a whole number from 1 to 36500."
  }
}

variable "deleted_days" {
  description = "How long an older or deleted version stays before it is gone."
  type        = number
  default     = 30

  validation {
    condition     = var.deleted_days >= 1 && floor(var.deleted_days) == var.deleted_days
    error_message = "deleted_days must be a whole number of at least 1."
  }
}

variable "replica" {
  description = "An existing bucket, as a rule of another region or account, and its key: everything is copied there. It needs versioning, and a policy that admits the role of replication where it is of another account."
  type        = object({ bucket_arn = string, key_arn = string, account = string })
  default     = null

  validation {
    condition     = var.replica == null || can(regex("^arn:aws[a-z-]*:s3:::[a-z0-9.-]{3,63}$", var.replica.bucket_arn))
    error_message = "replica.bucket_arn must be the ARN of a bucket."
  }

  validation {
    condition     = var.replica == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.replica.key_arn))
    error_message = "replica.key_arn must be the ARN of a key, not of an alias."
  }
}

variable "access_log_bucket" {
  description = "An existing bucket that takes the access logs of both buckets."
  type        = string
  default     = null
}

variable "eventbridge" {
  description = "Whether the bucket's events also go to EventBridge."
  type        = bool
  default     = false
}

variable "schedules" {
  description = "What is put into the queue of jobs and when: a schedule expression, its time zone, the message as it is."
  type = map(object({
    expression = string
    timezone   = optional(string, "UTC")
    message    = string
  }))
  default = {}

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(regex("^(cron|rate|at)\\(.+\\)$", schedule.expression))])
    error_message = "expression must be cron(...), rate(...) or at(...)."
  }
}

variable "vpc" {
  description = "Where the sites' machines are, if in a VPC that shall reach the services by endpoints of its own."
  type = object({
    id                 = string
    subnet_ids         = list(string)
    route_table_ids    = list(string)
    security_group_ids = list(string)
  })
  default = null
}

variable "tags" {
  description = "Tags of everything that takes some."
  type        = map(string)
  default     = {}
}
