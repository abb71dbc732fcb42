"""Entities: persons and what identifies them, whoever it is."""

from matchers.entities.pipeline import EntityPipeline

__all__ = ["EntityPipeline"]
