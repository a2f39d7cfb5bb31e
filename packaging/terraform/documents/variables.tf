variable "partition" {
  description = "aws, aws-us-gov or another."
  type        = string
}

variable "account" {
  description = "The tenant's account."
  type        = string
}

variable "region" {
  description = "Of bucket and key."
  type        = string
}

variable "tenant" {
  description = "The customer, as in site.toml."
  type        = string
}

variable "sites" {
  description = "As in the module around this one."
  type = map(object({
    principals  = list(string)
    external_id = string
  }))
}

variable "auditors" {
  description = "Who may borrow the auditor's role."
  type        = list(string)
}

variable "erasers" {
  description = "Who may borrow the role of those who erase; nobody, and there is no such role."
  type        = list(string)
}

variable "session_minutes" {
  description = "How long a session of a courier lives."
  type        = number
}

variable "bucket" {
  description = "The name of the bucket."
  type        = string
}

variable "audit_bucket" {
  description = "The name of the bucket that takes copies of audit/."
  type        = string
}

variable "key_arn" {
  description = "The tenant's key. The key's own policy is made without it."
  type        = string
}

variable "replica" {
  description = "Where else everything is copied, if anywhere."
  type        = object({ bucket_arn = string, key_arn = string })
  default     = null
}

variable "retention_days" {
  description = "How long what a site stores is kept, by class; audit not less than what is locked."
  type        = object({ evidence = number, output = number, pii = number, event = number, audit = number })
}

variable "queue_arns" {
  description = "The queues by name: jobs, events, and the dead letters of both."
  type        = map(string)
}
