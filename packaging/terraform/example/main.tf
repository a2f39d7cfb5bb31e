# A tenant with two sites in one region. Say who you are in the places marked CHANGE.

terraform {
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

provider "aws" {
  region              = "ap-northeast-3"
  allowed_account_ids = ["111122223333"] # CHANGE
}

module "tenant" {
  source = "../"

  tenant   = "acme"                                     # CHANGE
  auditors = ["arn:aws:iam::111122223333:role/auditor"] # CHANGE

  sites = {
    osaka-1 = {
      principals  = ["arn:aws:iam::111122223333:role/machine-osaka-1"] # CHANGE
      external_id = "karakuri-osaka-1"
    }
    kobe-1 = {
      principals  = ["arn:aws:iam::111122223333:role/machine-kobe-1"] # CHANGE
      external_id = "karakuri-kobe-1"
    }
  }

  retention_days = { evidence = 180, output = 180, pii = 90, event = 30, audit = 2557 }
}

output "site_toml" {
  description = "site.toml of each site."
  value       = module.tenant.site_toml
}
